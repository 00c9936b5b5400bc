/* The lead's commands, and a rank that follows them. */
#include "learner/follow.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/pulse.h"
#include "common/model/policy.h"
#include "learner/reference.h"
#include "learner/settings.h"
#include "learner/stale.h"
#include "learner/state.h"

typedef enum FollowCommand { FOLLOW_ITERATION = 1, FOLLOW_RESTORE, FOLLOW_COLLECT, FOLLOW_PROFILE } FollowCommand;

/* Followed by the results, each as its size (uint64_t) and its message (proto/messages.h). */
typedef struct IterationHead {
  int64_t iteration, iterations, reference_version;
  uint64_t chunks;
} IterationHead;

/* --- the lead --------------------------------------------------------------------------------------------------- */

static Status results_append(unsigned char **bytes, size_t *size, const Result *result) {
  Message message = {.type = MESSAGE_RESULT, .result = *result};
  unsigned char *encoded;
  size_t length;
  TRY(message_encode(&message, &encoded, &length));
  *bytes = xrealloc(*bytes, *size + sizeof(uint64_t) + length);
  memcpy(*bytes + *size, &(uint64_t){length}, sizeof(uint64_t));
  memcpy(*bytes + *size + sizeof(uint64_t), encoded, length);
  *size += sizeof(uint64_t) + length;
  free(encoded);
  return OK;
}

Status follow_iteration(Team *team, int64_t iteration, int64_t iterations, int64_t reference_version,
                        const Result *const *results, int chunks) {
  if (!team) return OK;
  IterationHead head = {iteration, iterations, reference_version, (uint64_t)chunks};
  size_t size = sizeof head;
  unsigned char *bytes = memcpy(xmalloc(size), &head, size);
  Status status = OK;
  for (int c = 0; c < chunks && status == OK; c++) status = results_append(&bytes, &size, results[c]);
  if (team_pass(team, status) == OK) status = team_command(team, FOLLOW_ITERATION, bytes, size);
  if (!team_lost(team)) free(bytes);
  return status;
}

Status follow_restore(Team *team, int64_t iteration) {
  return team_command(team, FOLLOW_RESTORE, &iteration, sizeof iteration);
}

Status follow_collect(Team *team) { return team_command(team, FOLLOW_COLLECT, NULL, 0); }

Status follow_profile(Team *team) {
  TRY(team_command(team, FOLLOW_PROFILE, NULL, 0));
  return state_profile(team);
}

Status follow_spread(Updater *updater, Progress *progress, Shared **reference, const Checkpoint *from) {
  size_t bytes = updater->table->total * sizeof(float);
  TRY(team_broadcast(updater->team, progress, sizeof *progress));
  TRY(team_broadcast(updater->team, (*reference)->bytes, bytes));
  TRY(state_spread(updater, from));
  if (memcmp((*reference)->bytes, updater->weights, bytes) == 0) shared_replace(reference, shared_hold(updater->block));
  return OK;
}

/* --- a rank that follows ---------------------------------------------------------------------------------------- */

typedef struct Follower {
  const Config *config;
  Team *team;
  Dataset dataset;
  ParamTable table;
  Updater updater;
  Learn learn;
  Shared *reference;
  Boundary kept;
  Progress progress;
} Follower;

static Status follower_open(Follower *f) {
  const Config *config = f->config;
  TRY(dataset_open(&f->dataset, config->data.file, false));
  ModelShape shape = policy_shape(config, &f->dataset);
  TRY(params_init(&f->table, &shape));
  learn_init_updater(&f->learn, &f->updater, config, &f->dataset, &f->table, f->team);
  f->reference = shared_of(params_block(&f->table));
  boundary_init(&f->kept, &f->updater, 0);
  f->kept.progress.iteration = -1;
  return OK;
}

static void follower_free(Follower *f) {
  learn_free(&f->learn);
  boundary_free(&f->kept);
  update_free(&f->updater);
  params_free(&f->table);
  dataset_close(&f->dataset);
  shared_drop(f->reference);
}

static Status not_whole(void) {
  return status_set(FAILED, "learner rank 0 sent an iteration that is not whole: do all ranks run the same troupe?");
}

/* results [chunks] <- a command's; those decoded are the caller's to free, whatever is returned. */
static Status results_take(const unsigned char *bytes, size_t size, uint64_t chunks, Message *results) {
  for (uint64_t c = 0; c < chunks; c++) {
    uint64_t length = 0;
    if (size >= sizeof length) memcpy(&length, bytes, sizeof length);
    if (!length || length > size - sizeof length) return not_whole();
    bytes += sizeof length, size -= sizeof length;
    TRY(message_decode(bytes, (size_t)length, TO_LEARNER, &results[c]));
    bytes += length, size -= (size_t)length;
  }
  return OK;
}

static Status learn_iteration(Follower *f, const IterationHead *head, const Result *const *results) {
  RolloutMeans means;
  ObjectiveSums sums;
  double grad_norm, learning_rate;
  bool complete;
  boundary_keep(&f->kept, &f->updater, f->reference, &f->progress);
  learn_gather(&f->learn, results, (int)head->chunks, head->iteration, &means);
  TRY(stale_compute(&f->learn, shared_floats(f->reference), head->reference_version));
  TRY(learn_update(&f->learn, head->iteration, head->iterations, NULL, NULL, &sums, &grad_norm, &learning_rate,
                   &complete));
  if (!complete) return OK;
  f->progress.iteration = head->iteration + 1;
  reference_moves(f->config, &f->progress, &f->updater, &f->reference);
  return OK;
}

static Status iterate(Follower *f, const unsigned char *bytes, size_t size) {
  IterationHead head;
  if (size < sizeof head) return team_pass(f->team, not_whole());
  memcpy(&head, bytes, sizeof head);
  if (head.chunks > size) return team_pass(f->team, not_whole());
  Message *messages = xcalloc((size_t)head.chunks + 1, sizeof *messages);
  const Result **results = xcalloc((size_t)head.chunks + 1, sizeof *results);
  for (uint64_t c = 0; c < head.chunks; c++) results[c] = &messages[c].result;
  Status status = team_pass(f->team, results_take(bytes + sizeof head, size - sizeof head, head.chunks, messages));
  if (status == OK) status = learn_iteration(f, &head, results);
  for (uint64_t c = 0; c < head.chunks; c++) message_free(&messages[c]);
  free(messages);
  free(results);
  return status;
}

/* A failure that all ranks have alike is the lead's to tell: then it says what comes next. */
static Status follower_work(Follower *f) {
  uint32_t kind = FOLLOW_COLLECT;
  while (kind != TEAM_END) {
    unsigned char *bytes;
    size_t size;
    int64_t to = 0;
    TRY(team_next(f->team, &kind, &bytes, &size));
    Status status = OK;
    if (kind == FOLLOW_ITERATION) status = iterate(f, bytes, size);
    if (kind == FOLLOW_COLLECT) status = state_collect(&f->updater, NULL);
    if (kind == FOLLOW_PROFILE) status = state_profile(f->team);
    if (kind == FOLLOW_RESTORE && size == sizeof to) memcpy(&to, bytes, sizeof to);
    if (kind == FOLLOW_RESTORE && to == f->kept.progress.iteration)
      boundary_restore(&f->kept, &f->updater, &f->reference, &f->progress);
    free(bytes);
    if (team_lost(f->team)) return status == OK ? status_set(FAILED, "%s", team_lost(f->team)) : status;
  }
  return OK;
}

static void pulsed(void *team) { team_pump(team); }

#define PULSE_S 0.01

Status follow_run(const Config *config, Team *team) {
  Follower f = {.config = config, .team = team};
  omp_set_num_threads(settings_threads(config, 1));
  policy_precision(config);
  Status status = team_pass(team, follower_open(&f));
  pulse_set(pulsed, team, PULSE_S);
  if (status == OK) status = state_meet(team, config, &f.dataset, &f.table);
  if (status == OK) status = follow_spread(&f.updater, &f.progress, &f.reference, NULL);
  if (status == OK) status = team_pass(team, state_trace(team, config, "train"));
  if (status == OK) status = follower_work(&f);
  pulse_set(NULL, NULL, 0);
  if (!team_lost(team)) follower_free(&f); /* else MPI may still have some of it, and the process is about to end */
  return status;
}
