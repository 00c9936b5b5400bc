/* Plan: asks the roles, does the arithmetic, prints. */
#include "common/tool/plan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/model/policy.h"
#include "common/tool/launch.h"
#include "common/tool/mpirun.h"

/* What MPI's library and its buffers take of a rank: Open MPI 4.1, measured as the difference to the same rank without. */
#define MPI_BYTES (16.0 * (1 << 20))

typedef struct Plan {
  const Command *command;
  const Config *config;
  bool pretrain, mpi;
  Placement placement;
  int cores, ranks;
  json_t *learner, *actor; /* owned; what the roles found */
  char *folder;            /* owned */
} Plan;

/* --- the roles ------------------------------------------------------------------------------------------------ */

static Status ask(const Plan *p, const char *role, json_t **found) {
  char *program = launch_program(role), *text = NULL;
  const char **argv = xcalloc((size_t)p->command->set_count * 2 + 5, sizeof *argv);
  int n = 0;
  argv[n++] = program;
  if (p->pretrain) argv[n++] = "--pretrain";
  argv[n++] = p->command->file;
  for (int i = 0; i < p->command->set_count; i++) argv[n++] = "--set", argv[n++] = p->command->sets[i];
  argv[n++] = "--dry-run";
  Status status = launch_output((char **)argv, &text);
  if (status == OK && !(*found = json_loads(text, 0, NULL)))
    status = status_set(FAILED, "%s: says '%.60s'; a JSON object was expected", program, text);
  free(text);
  free(argv);
  free(program);
  return status;
}

static double number(const json_t *found, const char *name) { return json_number_value(json_object_get(found, name)); }
static bool has(const json_t *found, const char *name) { return json_is_number(json_object_get(found, name)); }
static double learner(const Plan *p, const char *name) { return number(p->learner, name); }
static double actor(const Plan *p, const char *name) { return number(p->actor, name); }

/* --- words ---------------------------------------------------------------------------------------------------- */

typedef struct Words {
  char text[48];
} Words;

static Words bytes_words(double bytes) {
  Words words;
  bool large = bytes >= 1 << 30;
  snprintf(words.text, sizeof words.text, large ? "%.1f GiB" : "%.0f MiB", bytes / (large ? 1 << 30 : 1 << 20));
  return words;
}

static Words time_words(double seconds) {
  Words words;
  if (seconds < 10) snprintf(words.text, sizeof words.text, "%.2g s", seconds);
  else if (seconds < 100) snprintf(words.text, sizeof words.text, "%.0f s", seconds);
  else if (seconds < 5400) snprintf(words.text, sizeof words.text, "%.0f minutes", seconds / 60);
  else if (seconds < 48 * 3600) snprintf(words.text, sizeof words.text, "%.1f hours", seconds / 3600);
  else snprintf(words.text, sizeof words.text, "%.1f days", seconds / 86400);
  return words;
}

/* 1234567 -> "1,234,567" */
static Words count_words(double count) {
  Words words = {{0}};
  char digits[32];
  int n = snprintf(digits, sizeof digits, "%.0f", count), at = 0;
  for (int i = 0; i < n; i++) {
    if (i && (n - i) % 3 == 0) words.text[at++] = ',';
    words.text[at++] = digits[i];
  }
  return words;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static void print_ranks(const Plan *p) {
  printf("ranks       %d learner%s of %.0f thread%s", p->ranks, p->ranks > 1 ? "s" : "", learner(p, "threads"),
         learner(p, "threads") > 1 ? "s" : "");
  if (!p->pretrain) printf(", %d actor%s", p->placement.actors, p->placement.actors > 1 ? "s" : "");
  printf("; %d core%s%s\n", p->cores, p->cores > 1 ? "s" : "",
         p->placement.crowded ? ", fewer than threads: they take turns" : "");
  for (int i = 0; p->placement.nodes > 1 && i < p->placement.nodes; i++) {
    const Place *place = &p->placement.place[i];
    printf("            %s: %d cores, %d learners, %d actors\n", place->node, place->cores, place->learners,
           place->actors);
  }
}

static void print_data(const Plan *p) {
  printf("data        %s pictures of split %s, %.0f cells x %.0f; vocabulary %s",
         count_words(learner(p, "pictures")).text, p->config->data.train, learner(p, "cells"), learner(p, "features"),
         count_words(learner(p, "vocabulary")).text);
  if (p->config->evaluation.every)
    printf("; evaluated on %s of %s", count_words(learner(p, "validation")).text, p->config->data.validation);
  printf("\nmodel       %s weights\n", count_words(learner(p, "weights")).text);
}

static double captions_a_step(const Plan *p) {
  return p->pretrain ? (double)p->config->pretrain.batch_images * p->config->pretrain.captions_per_image
                     : actor(p, "decoded_a_chunk") * learner(p, "chunks");
}

static void print_work(const Plan *p) {
  const Config *config = p->config;
  double all = learner(p, p->pretrain ? "epochs" : "iterations"), left = all - learner(p, "done");
  const char *unit = p->pretrain ? "epochs" : "iterations";
  if (learner(p, "done") > 0)
    printf("resumes     after %.0f of %.0f %s; what follows is of the rest\n", learner(p, "done"), all, unit);
  if (p->pretrain)
    printf("work        %.0f epochs of %s steps of %d pictures x %d captions\n", left,
           count_words(learner(p, "steps")).text, config->pretrain.batch_images, config->pretrain.captions_per_image);
  else
    printf("work        %s iterations of %d pictures x %d captions, %.0f steps each: %s steps\n",
           count_words(left).text, config->policy.images_per_iteration, config->policy.group, learner(p, "steps"),
           count_words(left * learner(p, "steps")).text);
  const json_t *teller = p->pretrain ? p->learner : p->actor;
  if (!has(teller, "tokens_a_caption")) return;
  double captions = left * captions_a_step(p) * (p->pretrain ? learner(p, "steps") : 1);
  printf("captions    %s, about %s tokens (%.1f a caption, as measured)\n", count_words(captions).text,
         count_words(captions * number(teller, "tokens_a_caption")).text, number(teller, "tokens_a_caption"));
}

static int machines_with_actors(const Plan *p) {
  int machines = 0;
  for (int i = 0; i < p->placement.nodes; i++) machines += p->placement.place[i].actors > 0;
  return machines;
}

/* The learner writes what the actors of its machine share. */
static bool meets_actors(const Plan *p) {
  for (int i = 0; i < p->placement.nodes; i++)
    if (p->placement.place[i].learners && p->placement.place[i].actors) return true;
  return false;
}

static void print_rank_memory(const Plan *p, const char *name, const json_t *found, int ranks) {
  if (!has(found, "memory_bytes")) {
    printf("memory      %s: at least %s, not measured\n", name, bytes_words(number(found, "needed_bytes")).text);
    return;
  }
  double usual = number(found, "memory_bytes") - number(found, "elsewhere_bytes") + (p->mpi ? MPI_BYTES : 0);
  if (found == p->learner && !p->pretrain && has(p->actor, "shared_bytes") && meets_actors(p))
    usual += number(p->actor, "shared_bytes");
  double most = usual + number(found, "longest_bytes");
  printf("memory      %s %s, %s were all captions of full length", name, bytes_words(usual).text,
         bytes_words(most).text);
  double shared = has(found, "shared_bytes") ? number(found, "shared_bytes") : 0; /* by the actors of a machine */
  if (ranks > 1)
    printf("; %s for all %d", bytes_words((most - shared) * ranks + shared * machines_with_actors(p)).text, ranks);
  putchar('\n');
}

static void print_memory(const Plan *p) {
  print_rank_memory(p, p->ranks > 1 ? "a learner" : "the learner", p->learner, p->ranks);
  if (!p->pretrain) print_rank_memory(p, "an actor", p->actor, p->placement.actors);
  printf("            (%s available here now)\n", bytes_words((double)memory_available()).text);
}

/* The run folder may not be there yet: of its nearest parent that is. */
static double disk_free(const char *path) {
  struct statvfs disk;
  char *folder = xstrdup(path);
  while (!folder_exists(folder) && strcmp(folder, ".") != 0 && strcmp(folder, "/") != 0) {
    char *parent = path_folder(folder);
    free(folder);
    folder = parent;
  }
  double bytes = statvfs(folder, &disk) == 0 ? (double)disk.f_bavail * (double)disk.f_frsize : 0;
  free(folder);
  return bytes;
}

static void print_disk(const Plan *p) {
  double one = learner(p, "blocks_saved") * learner(p, "weights") * sizeof(float);
  int kept = p->config->checkpoint.keep + 2; /* best.h5, and the one that is being written */
  printf("disk        a checkpoint %s, at most %d at a time: %s; %s free\n", bytes_words(one).text, kept,
         bytes_words(one * kept).text, bytes_words(disk_free(p->folder)).text);
}

/* --- time ----------------------------------------------------------------------------------------------------- */

static void print_pretrain_time(const Plan *p) {
  double left = learner(p, "epochs") - learner(p, "done"), epoch = learner(p, "steps") * learner(p, "step_s");
  double seconds = left * (epoch + learner(p, "evaluation_s"));
  printf("time        an epoch %s", time_words(epoch).text);
  if (learner(p, "evaluation_s") > 0) printf(", its evaluation %s", time_words(learner(p, "evaluation_s")).text);
  printf("; in all about %s\n", time_words(seconds).text);
}

static double rounds(double chunks, int workers) { return ceil(chunks / workers); }

static void print_train_time(const Plan *p) {
  const Config *config = p->config;
  int workers = p->placement.actors < p->cores ? p->placement.actors : p->cores;
  double chunks = learner(p, "chunks"), left = learner(p, "iterations") - learner(p, "done");
  double rollouts = rounds(chunks, workers) * actor(p, "chunk_s");
  double update = learner(p, "steps") * learner(p, "step_s");
  if (learner(p, "computed_again") > 0) update += learner(p, "minibatches") * learner(p, "forward_s");
  bool overlapped = policy_lag(config) > 0;
  double iteration = overlapped ? fmax(rollouts, update) : rollouts + update;
  if (overlapped && p->placement.crowded)
    iteration = fmax(iteration, (chunks * actor(p, "chunk_s") + update * learner(p, "threads") * p->ranks) / p->cores);
  double evaluation =
      rounds(learner(p, "validation") / config->actors.chunk_images, workers) * actor(p, "evaluation_chunk_s") +
      learner(p, "evaluation_s");
  double evaluations = config->evaluation.every ? ceil(left / config->evaluation.every) + (learner(p, "done") == 0) : 0;
  printf("time        an iteration %s: rollouts %s, update %s%s", time_words(iteration).text, time_words(rollouts).text,
         time_words(update).text, overlapped ? " meanwhile" : "");
  if (evaluations > 0) printf("; %.0f evaluations of %s", evaluations, time_words(evaluation).text);
  printf("; in all about %s\n", time_words(left * iteration + evaluations * evaluation).text);
}

static void print_time(const Plan *p) {
  if (!has(p->learner, "step_s") || (!p->pretrain && !has(p->actor, "chunk_s"))) {
    printf("time        not measured\n");
    return;
  }
  if (p->pretrain) print_pretrain_time(p);
  else print_train_time(p);
  printf("            by processor time of three steps of the learner's on people's captions%s on this\n"
         "            machine just now, as if it were idle; without reading, %sand other programs%s\n",
         p->pretrain ? "" : " and two chunks of an actor's", p->mpi ? "messages " : "",
         p->config->policy.dynamic_sampling && !p->pretrain ? ", nor fresh pictures of dynamic sampling" : "");
}

/* -------------------------------------------------------------------------------------------------------------- */

static void place(Plan *p) {
  p->ranks = p->config->learner.ranks;
  p->mpi = !p->pretrain || p->ranks > 1;
  if (p->mpi) mpirun_place(&p->placement, p->command, p->config, p->pretrain ? "pretrain" : "train");
  else placement_nodes(&p->placement);
  for (int i = 0; i < p->placement.nodes; i++) p->cores += p->placement.place[i].cores;
}

int plan_show(const Command *command, const Config *config, const char *stage) {
  Plan p = {.command = command, .config = config, .pretrain = strcmp(stage, "pretrain") == 0};
  p.folder = config_run_folder(config, stage);
  place(&p);
  setenv("OMP_WAIT_POLICY", "passive", 1); /* else waiting would count as work */
  log_info("dry run: a few steps are measured here; nothing is written");
  Status status = ask(&p, "troupe-learner", &p.learner);
  if (status == OK && !p.pretrain) status = ask(&p, "troupe-actor", &p.actor);
  if (status == OK) {
    printf("run         stage %d, %s\n", p.pretrain ? 1 : 2, p.folder);
    print_ranks(&p);
    print_data(&p);
    print_work(&p);
    print_memory(&p);
    print_disk(&p);
    print_time(&p);
  } else if (*status_message()) {
    log_error("%s", status_message());
  }
  json_decref(p.learner);
  json_decref(p.actor);
  placement_free(&p.placement);
  free(p.folder);
  return status;
}
