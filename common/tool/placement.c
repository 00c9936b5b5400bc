/* Placement: Slurm's nodes, and a core for each rank and thread. */
#include "common/tool/placement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/tool/launch.h"

enum { NODES_MAX = 4096 };

int placement_counts(const char *text, int *counts, int max) {
  int n = 0;
  while (*text) {
    char *end;
    long count = strtol(text, &end, 10), times = 1;
    if (end == text || count < 1 || count > 1 << 20) return 0;
    if (strncmp(end, "(x", 2) == 0) {
      const char *digits = end + 2;
      times = strtol(digits, &end, 10);
      if (end == digits || *end++ != ')') return 0;
    }
    if (times < 1 || times > max - n || (*end && *end != ',')) return 0;
    while (times--) counts[n++] = (int)count;
    text = *end ? end + 1 : end;
  }
  return n;
}

/* The names of the job's nodes, as scontrol spells them out. Returns how many; each is owned by the caller. */
static int names_read(char **names, int max) {
  FILE *pipe = popen("scontrol show hostnames 2>/dev/null", "r");
  char line[512];
  int n = 0;
  while (pipe && n < max && fgets(line, sizeof line, pipe)) {
    line[strcspn(line, "\n")] = 0;
    names[n++] = xstrdup(line);
  }
  if (pipe) pclose(pipe);
  return n;
}

/* One node: what Slurm gave of it, where it gave less than may be used. */
static void alone(Placement *placement) {
  int cores = launch_cores(), given;
  const char *slurm = getenv("SLURM_JOB_CPUS_PER_NODE");
  if (slurm && placement_counts(slurm, &given, 1) == 1 && given < cores) cores = given;
  placement->nodes = 1;
  placement->place = xcalloc(1, sizeof(Place));
  placement->place[0].cores = cores;
}

void placement_nodes(Placement *placement) {
  const char *slurm = getenv("SLURM_JOB_CPUS_PER_NODE");
  int *cores = xcalloc(NODES_MAX, sizeof(int)), counts = slurm ? placement_counts(slurm, cores, NODES_MAX) : 0;
  char **names = xcalloc(NODES_MAX, sizeof(char *));
  int nodes = counts > 1 ? names_read(names, NODES_MAX) : 0;
  *placement = (Placement){0};
  if (nodes == counts && nodes > 1) {
    placement->nodes = nodes;
    placement->place = xcalloc((size_t)nodes, sizeof(Place));
    for (int i = 0; i < nodes; i++) placement->place[i] = (Place){.node = names[i], .cores = cores[i]};
  } else {
    alone(placement);
    for (int i = 0; i < nodes; i++) free(names[i]);
  }
  free(names);
  free(cores);
}

void placement_gather(Placement *placement) {
  Place all = {0};
  for (int i = 0; i < placement->nodes; i++) {
    all.cores += placement->place[i].cores;
    all.learners += placement->place[i].learners;
    all.actors += placement->place[i].actors;
    free(placement->place[i].node);
  }
  placement->nodes = 1;
  placement->place[0] = all;
}

void placement_free(Placement *placement) {
  for (int i = 0; i < placement->nodes; i++) free(placement->place[i].node);
  free(placement->place);
  *placement = (Placement){0};
}

/* Cores of a node that actors get before the learner's threads lose any. */
static int room(const Place *place, const PlacementWish *wish, bool others) {
  int threads = wish->learner_threads > 0 ? wish->learner_threads : 1;
  if (!place->learners || !wish->overlapped) return place->cores - place->learners;
  if (!wish->learner_threads && others) return 0;
  return place->cores - place->learners * threads;
}

static int least(int a, int b) { return a < b ? a : b; }

static void learners_deal(Placement *placement, int learners) {
  int hosts = least(learners, placement->nodes);
  for (int i = 0; i < hosts; i++) placement->place[i].learners = learners / hosts + (i < learners % hosts);
}

/* `left` actors into the nodes from the last to the first, each up to its room or, with `all`, its cores. Returns how many
 * found no place. */
static int actors_fill(Placement *placement, const PlacementWish *wish, int left, bool all) {
  bool others = placement->nodes > least(wish->learners, placement->nodes);
  for (int i = placement->nodes - 1; i >= 0 && left; i--) {
    Place *place = &placement->place[i];
    int free_cores = (all ? place->cores - place->learners : room(place, wish, others)) - place->actors;
    int more = least(left, free_cores > 0 ? free_cores : 0);
    place->actors += more;
    left -= more;
  }
  return left;
}

static int threads_fit(Placement *placement, const PlacementWish *wish) {
  int threads = wish->learner_threads;
  for (int i = 0; i < placement->nodes && placement->place[i].learners && !wish->learner_threads; i++) {
    const Place *place = &placement->place[i];
    int each = (place->cores - (wish->overlapped ? place->actors : 0)) / place->learners;
    if (!threads || each < threads) threads = each;
  }
  return threads > 0 ? threads : 1;
}

void placement_fill(Placement *placement, const PlacementWish *wish) {
  int all = 1 << 30;
  learners_deal(placement, wish->learners);
  int left = actors_fill(placement, wish, wish->actors < 0 ? all : wish->actors, false);
  placement->actors = wish->actors;
  if (wish->actors < 0) {
    placement->actors = all - left;
    left = 0;
    if (!placement->actors) placement->actors = left = 1;
  }
  left = actors_fill(placement, wish, left, true);
  for (int i = placement->nodes; left; left--) placement->place[i = i ? i - 1 : placement->nodes - 1].actors++;
  placement->learner_threads = threads_fit(placement, wish);
  for (int i = 0; i < placement->nodes; i++) {
    const Place *place = &placement->place[i];
    int busy = place->learners * placement->learner_threads + place->actors;
    placement->crowded |= busy > place->cores;
  }
}
