/* New weights from the learner to its actors, by the hub, couriers and links of a training run, beside MPI_Bcast of the same
 * bytes between the same ranks; then to actors that decode meanwhile: how long one poll of the link holds them up at most.
 * Rank 0 is the learner, all others are actors.
 *
 *   broadcast_bench [--mib 32] [--reps 7] */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actor/snapshot.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/pulse.h"
#include "proto/hub.h"
#include "proto/link.h"
#include "proto/world.h"

#define DECODE_STEP_S 200e-6 /* between looks at the clock, as between the layers of a small model */

typedef struct Bench {
  size_t floats;
  int reps, rank, ranks;
  Shared *weights; /* [floats] */
} Bench;

/* What all ranks take part in, between the rounds of the protocol. */
static double broadcast_mpi(const Bench *bench) {
  MPI_Barrier(MPI_COMM_WORLD);
  double began = clock_seconds();
  MPI_Bcast(bench->weights->bytes, (int)bench->floats, MPI_FLOAT, 0, MPI_COMM_WORLD);
  MPI_Barrier(MPI_COMM_WORLD);
  return clock_seconds() - began;
}

/* --- the learner ---------------------------------------------------------------------------------------------------- */

/* Publishes a version and waits until every actor has answered that it has it. */
static double broadcast_troupe(const Bench *bench, Hub *hub, int64_t version) {
  MPI_Barrier(MPI_COMM_WORLD);
  double began = clock_seconds();
  hub_publish(hub, SNAPSHOT_POLICY, version, bench->weights);
  for (int a = 1; a < bench->ranks; a++)
    hub_assign(hub, a,
               &(Assignment){.work = WORK_EVALUATE,
                             .iteration = version,
                             .chunk = a,
                             .policy_version = version,
                             .reference_version = VERSION_NONE,
                             .images = 1});
  for (int answers = 0; answers < bench->ranks - 1;) {
    Event event;
    if (!hub_poll(hub, &event)) {
      hub_idle(hub);
      continue;
    }
    CHECK(event.kind != EVENT_LOST);
    if (event.kind != EVENT_RESULT) continue;
    answers++;
    result_free(&event.result);
  }
  return clock_seconds() - began;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void show(const Bench *bench, const char *name, double *seconds) {
  qsort(seconds, (size_t)bench->reps, sizeof *seconds, compare);
  double median = seconds[bench->reps / 2], bytes = 4.0 * (double)bench->floats * (bench->ranks - 1);
  printf("%s %.6f s  %.0f MB/s to all, best %.6f s\n", name, median, 1e-6 * bytes / median, seconds[0]);
}

static int learner(Bench *bench) {
  Hub *hub;
  HubOptions options = {.floats = bench->floats, .kernel = "", .silence_s = 60};
  if (hub_open(&hub, &options) != OK) {
    log_error("%s", status_message());
    return FAILED;
  }
  double *ours = xcalloc((size_t)bench->reps, sizeof *ours), *theirs = xcalloc((size_t)bench->reps, sizeof *theirs);
  int64_t version = 0;
  for (int rep = -1; rep < bench->reps; rep++) {
    double troupe = broadcast_troupe(bench, hub, version++), mpi = broadcast_mpi(bench);
    if (rep >= 0) ours[rep] = troupe, theirs[rep] = mpi;
  }
  show(bench, "troupe", ours);
  show(bench, "mpi", theirs);
  for (int rep = 0; rep < bench->reps; rep++) ours[rep] = broadcast_troupe(bench, hub, version++);
  show(bench, "decoding", ours);
  double mine[2] = {0, 0}, held[2];
  MPI_Reduce(mine, held, 2, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  printf("held %.6f s  %.6f s of them computing\n", held[0], held[1]);
  free(ours), free(theirs);
  return hub_close(hub, "measured", OK) ? OK : FAILED;
}

/* --- an actor ------------------------------------------------------------------------------------------------------- */

typedef struct Actor {
  Snapshots store;
  Link *link;
  double held[2]; /* the longest poll while decoding: by the clock on the wall, and of this process' computing */
} Actor;

static double thread_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void polled(void *data) {
  Actor *actor = data;
  double wall = clock_seconds(), computing = thread_seconds();
  CHECK(link_poll(actor->link) == LINK_WORK);
  wall = clock_seconds() - wall, computing = thread_seconds() - computing;
  if (wall > actor->held[0]) actor->held[0] = wall;
  if (computing > actor->held[1]) actor->held[1] = computing;
}

/* Computes until the version is there, and with it work, in steps as decoding does. */
static void decode(Actor *actor) {
  pulse_set(polled, actor, LINK_POLL_S);
  while (!link_has_work(actor->link)) {
    for (double began = clock_seconds(); clock_seconds() - began < DECODE_STEP_S;) continue;
    pulse();
  }
  pulse_set(NULL, NULL, 0);
}

static void answer(Actor *actor, const Bench *bench) {
  Assignment assignment;
  CHECK(link_next(actor->link, &assignment) == LINK_WORK);
  const float *policy, *reference;
  snapshots_use(&actor->store, assignment.policy_slot, -1, &policy, &reference);
  CHECK(policy[bench->floats - 1] == (float)(bench->floats - 1));
  snapshots_release(&actor->store);
  Result result = {0};
  result_init(&result, 1, 1, 1, 0, false, false);
  result_name(&result, &assignment);
  result.image_start[1] = result.caption_start[1] = 1;
  CHECK(link_send_result(actor->link, &result) == OK);
  result_free(&result);
}

static int actor(Bench *bench) {
  Actor actor = {.held = {0, 0}};
  snapshots_init(&actor.store, bench->floats);
  LinkOptions options = {.floats = bench->floats, .kernel = "", .sink = snapshots_sink(&actor.store)};
  if (link_open(&actor.link, &options) != OK) {
    log_error("%s", status_message());
    return FAILED;
  }
  for (int rep = -1; rep < bench->reps; rep++) {
    MPI_Barrier(MPI_COMM_WORLD);
    answer(&actor, bench);
    (void)broadcast_mpi(bench);
  }
  for (int rep = 0; rep < bench->reps; rep++) {
    MPI_Barrier(MPI_COMM_WORLD);
    decode(&actor);
    answer(&actor, bench);
  }
  MPI_Reduce(actor.held, NULL, 2, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  Assignment assignment;
  CHECK(link_next(actor.link, &assignment) == LINK_STOP);
  bool finalized = link_close(actor.link, "done", OK);
  snapshots_free(&actor.store);
  return finalized ? OK : FAILED;
}

int main(int argc, char **argv) {
  Bench bench = {.floats = 32 << 18, .reps = 7};
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--mib")) bench.floats = (size_t)atoi(argv[i + 1]) << 18;
    else if (!strcmp(argv[i], "--reps")) bench.reps = atoi(argv[i + 1]);
    else return BAD_INPUT;
  }
  /* which role: known before MPI starts, from the launcher */
  MPI_Init(&argc, &argv);
  bench.rank = world_rank(), bench.ranks = world_size();
  bench.weights = shared_new(bench.floats * sizeof(float));
  for (size_t i = 0; i < bench.floats; i++) shared_floats(bench.weights)[i] = (float)i;
  int code = bench.rank ? actor(&bench) : learner(&bench);
  shared_drop(bench.weights);
  if (code == OK) return OK;
  fflush(NULL);
  _exit(code);
}
