/* Trainer: start, resume, the loop over iterations, and the end. */
#include "learner/trainer.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/pulse.h"
#include "common/base/trace.h"
#include "common/model/policy.h"
#include "common/tensor/gemm.h"
#include "learner/collect.h"
#include "learner/evaluation.h"
#include "learner/follow.h"
#include "learner/metrics.h"
#include "learner/reference.h"
#include "learner/settings.h"
#include "learner/stale.h"
#include "learner/state.h"

/* --- start and resume ---------------------------------------------------------------------------------------- */

static Status open_data(Trainer *t) {
  const Config *config = t->config;
  TRY(run_data_open(&t->data, config, "policy.images_per_iteration", config->policy.images_per_iteration));
  TRY(config_check_ranks(config, "train"));
  rollouts_init(&t->rollouts, config, t->data.train, t->data.train_count);
  return OK;
}

/* Takes its blocks but for the moments. */
static Status take_checkpoint(Trainer *t, Checkpoint *checkpoint) {
  TRY(policy_resumes(checkpoint, t->run.path, "train", t->config, &t->data.dataset, true));
  if (!checkpoint->reference || !checkpoint->moment1 || !checkpoint->moment2)
    return status_set(BAD_INPUT,
                      "%s: its checkpoint lacks the reference or the optimizer's state; another run.dir was expected",
                      t->run.path);
  update_take(&t->updater, shared_of(checkpoint->weights));
  t->reference = shared_of(checkpoint->reference);
  checkpoint->weights = checkpoint->reference = NULL;
  boundary_load(&t->kept, checkpoint);
  t->progress = (Progress){.iteration = checkpoint->iteration,
                           .reference_version = checkpoint->reference_version,
                           .tokens = checkpoint->tokens,
                           .captions = checkpoint->captions,
                           .best = checkpoint->best,
                           .best_iteration = checkpoint->best_iteration};
  return OK;
}

static Status open_weights(Trainer *t) {
  const Config *config = t->config;
  ModelShape shape = policy_shape(config, &t->data.dataset);
  TRY(params_init(&t->table, &shape));
  learn_init_updater(&t->learn, &t->updater, config, &t->data.dataset, &t->table, t->team);
  boundary_init(&t->kept, &t->updater, config->actors.lag);
  TRY(state_meet(t->team, config, &t->data.dataset, &t->table));

  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  bool found;
  TRY(run_resume(&t->run, &checkpoint, &table, &found));
  Status status = OK;
  if (found) {
    status = take_checkpoint(t, &checkpoint);
  } else {
    float *weights = NULL;
    status = policy_initial(config, &t->data.dataset, &table, &weights);
    if (status == OK) {
      update_take(&t->updater, shared_of(weights));
      t->reference = shared_hold(t->updater.block);
    }
  }
  if (status == OK) status = follow_spread(&t->updater, &t->progress, &t->reference, &checkpoint);
  checkpoint_free(&checkpoint);
  params_free(&table);
  TRY(status);
  return run_rewind(&t->run, t->progress.iteration);
}

/* Without a ratio only the first step learns from its own samples. */
static void warn_of_later_steps(const Config *config) {
  if (strcmp(config->policy.advantage, "scst") == 0 &&
      (config->policy.images_per_iteration > config->policy.minibatch_images || config->policy.inner_epochs > 1))
    log_warning("policy.advantage scst has no ratio to correct for steps after an iteration's first; "
                "policy.images_per_iteration should equal policy.minibatch_images (%d), and policy.inner_epochs 1",
                config->policy.minibatch_images);
}

Status trainer_open(Trainer *t, const Config *config, Team *team, const volatile int *stop) {
  *t = (Trainer){.config = config,
                 .team = team,
                 .stop = stop,
                 .progress = {.best = NAN, .best_iteration = -1},
                 .run = {.lock = -1}};
  t->evaluating = VERSION_NONE;
  omp_set_num_threads(settings_threads(config, 1));
  t->guard.options = settings_guard(config);
  policy_precision(config);
  ledger_init(&t->ledger, 0, 0);
  TRY(run_open(&t->run, config, "train")); /* first: status.json is how the launcher learns of what fails below */
  warn_of_later_steps(config);
  TRY(open_data(t));
  TRY(open_weights(t));
  return run_configure(&t->run, config);
}

static Status report(const Trainer *t, const char *phase, int exit_code, const char *message) {
  char hash[HASH_TEXT] = "";
  if (exit_code == OK) checkpoint_weights_hash(&t->table, t->updater.weights, hash);
  RunStatus status = {.phase = phase,
                      .iteration = t->progress.iteration,
                      .iterations = t->rollouts.iterations,
                      .exit = exit_code,
                      .alive = t->hub ? hub_live(t->hub) : 0,
                      .lost = t->hub ? hub_lost(t->hub) : 0,
                      .message = message,
                      .weights_hash = *hash ? hash : NULL};
  return run_status(&t->run, &status);
}

/* Keeps status_message(). */
static Status report_failure(const Trainer *t, Status status) {
  char *message = xstrdup(status_message());
  if (t->run.lock >= 0 && report(t, "failed", status, message) != OK) log_error("%s", status_message());
  status_set(status, "%s", message);
  free(message);
  return status;
}

void trainer_report_fatal(const Trainer *t) { (void)report_failure(t, FAILED); }

void trainer_turn_away(Trainer *t, const Config *config, Status status) {
  char *reason = xstrdup(status_message());
  team_fail(t->team, reason);
  HubOptions options = {.team = t->team, .refuse = reason, .floats = 1, .join_s = config->actors.start_timeout_s};
  (void)report_failure(t, status);
  (void)hub_open(&t->hub, &options);
  status_set(status, "%s", reason);
  free(reason);
}

#define PULSE_S 0.002

/* In the middle of computing: messages move on, and actors get their next chunks. */
static void pulsed(void *trainer) {
  Trainer *t = trainer;
  (void)collect_once(t->hub, &t->ledger);
}

static Status start(Trainer *t) {
  char hash[HASH_TEXT];
  config_hash(t->config, hash);
  TRY(report(t, "starting", -1, NULL));
  char *door = t->config->actors.joinable ? path_join(t->run.path, RUN_DOOR) : NULL;
  HubOptions options = {.team = t->team,
                        .config_hash = hash,
                        .dataset_hash = t->data.dataset.content_hash,
                        .floats = t->table.total,
                        .answers = {.vocabulary = t->data.dataset.vocabulary,
                                    .group = t->config->policy.group,
                                    .length = policy_max_length(t->config),
                                    .baseline = advantage_needs_greedy(settings_advantage(t->config).kind)},
                        .lag = policy_lag(t->config),
                        .kernel = gemm_name(),
                        .door = door,
                        .heartbeat_s = t->config->actors.heartbeat_s,
                        .silence_s = t->config->actors.timeout_s,
                        .join_s = t->config->actors.start_timeout_s};
  Status opened = hub_open(&t->hub, &options);
  free(door);
  TRY(opened);
  pulse_set(pulsed, t, PULSE_S);
  for (int64_t v = t->kept.oldest; v < t->progress.iteration; v++)
    hub_publish(t->hub, SNAPSHOT_POLICY, v, boundary_policy(&t->kept, v));
  hub_publish(t->hub, SNAPSHOT_POLICY, t->progress.iteration, t->updater.block);
  bool same = t->reference == t->updater.block;
  if (policy_reference(t->config) && same)
    hub_adopt_reference(t->hub, t->progress.iteration, t->progress.reference_version);
  else if (policy_reference(t->config))
    hub_publish(t->hub, SNAPSHOT_REFERENCE, t->progress.reference_version, t->reference);
  if (t->progress.iteration >= t->rollouts.iterations) {
    log_info("stage 2: all %lld iterations are done: %s", (long long)t->rollouts.iterations, t->run.path);
    return OK;
  }
  log_info("stage 2: iterations %lld to %lld of %d images x %d captions, %d actors, %d threads, %s, %s",
           (long long)t->progress.iteration + 1, (long long)t->rollouts.iterations,
           t->config->policy.images_per_iteration, t->config->policy.group, hub_live(t->hub), omp_get_max_threads(),
           gemm_name(), t->run.path);
  return OK;
}

Status trainer_start(Trainer *t) {
  Status status = start(t);
  return status == OK ? OK : report_failure(t, status);
}

/* --- parts of an iteration ----------------------------------------------------------------------------------- */

/* Between optimiser steps: false ends the update. */
static bool goes_on(void *trainer) {
  const Trainer *t = trainer;
  return !*t->stop;
}

static Status save(Trainer *t, bool best) {
  Checkpoint checkpoint = {.shape = t->table.shape,
                           .stage = "train",
                           .iteration = t->progress.iteration,
                           .epoch = t->progress.iteration / images_iterations_per_epoch(&t->rollouts.order),
                           .step = t->updater.optimizer.step,
                           .tokens = t->progress.tokens,
                           .captions = t->progress.captions,
                           .reference_version = t->progress.reference_version,
                           .best = t->progress.best,
                           .best_iteration = t->progress.best_iteration,
                           .weights = t->updater.weights,
                           .reference = shared_floats(t->reference)};
  TRY(follow_collect(t->team));
  TRY(state_collect(&t->updater, &checkpoint));
  boundary_lend(&t->kept, &checkpoint);
  policy_sign(&checkpoint, t->config, &t->data.dataset);
  Status status = run_checkpoint(&t->run, &checkpoint, &t->table, best);
  free(checkpoint.config);
  state_return(&t->updater, &checkpoint);
  return status;
}

/* Waits for iteration k's rollouts and gathers them, in dynamic sampling with fresh images for groups left out. */
static Status gather(Trainer *t, int64_t k, RolloutMeans *means, bool *complete) {
  const Config *config = t->config;
  int wanted = config->policy.images_per_iteration, refills = 0, added = 1;
  TRY(rollouts_collect(&t->rollouts, t->hub, &t->ledger, k, t->stop, complete));
  while (*complete) {
    learn_gather(&t->learn, t->rollouts.result, t->rollouts.results, k, means);
    means->refills = refills;
    if (t->learn.groups == wanted || refills == config->policy.refills || !added) break;
    TRY(rollouts_refill(&t->rollouts, t->hub, &t->ledger, k, wanted - t->learn.groups, t->stop, &added, complete));
    refills += added > 0;
  }
  return OK;
}

/* Learns from iteration k's rollouts; `line` is its metrics. When it is stopped on the way (*complete false) the weights
 * may stand between boundaries. */
static Status iterate(Trainer *t, json_t *line, bool *complete) {
  const Config *config = t->config;
  int64_t k = t->progress.iteration;
  double began = clock_seconds();
  IterationMetrics metrics = {.before = hub_counters(t->hub), .dropped = -t->ledger.dropped};
  rollouts_open(&t->rollouts, &t->ledger, k, t->kept.oldest, t->progress.reference_version);
  metrics.ready = rollouts_ready(&t->rollouts, &t->ledger, k);
  TRY(gather(t, k, &metrics.rollouts, complete));
  if (!*complete) return OK;
  metrics.collected_s = clock_seconds() - began;
  metrics.alive = hub_live(t->hub);
  TRY(follow_iteration(t->team, k, t->rollouts.iterations, t->progress.reference_version, t->rollouts.result,
                       t->rollouts.results));
  TRY(stale_compute(&t->learn, shared_floats(t->reference), t->progress.reference_version));
  TRY(learn_update(&t->learn, k, t->rollouts.iterations, goes_on, t, &metrics.sums, &metrics.grad_norm,
                   &metrics.learning_rate, complete));
  if (!*complete) return OK;
  metrics.first = t->learn.first;
  TRY(metrics_samples(&t->run, &t->learn, k + 1, config->samples.groups));
  ledger_release(&t->ledger, WORK_ROLLOUT);
  t->progress.iteration = k + 1;
  t->progress.tokens += metrics.rollouts.tokens;
  t->progress.captions += metrics.rollouts.decoded;
  hub_publish(t->hub, SNAPSHOT_POLICY, t->progress.iteration, t->updater.block);
  reference_refresh(t);
  metrics.rollouts.seconds[SECONDS_IDLE] += t->evaluation_idle_s;
  t->evaluation_idle_s = 0;
  metrics.step_s = clock_seconds() - began;
  metrics.epoch = (double)t->progress.iteration / images_iterations_per_epoch(&t->rollouts.order);
  metrics.tokens = t->progress.tokens;
  metrics.captions = t->progress.captions;
  metrics.reference = policy_reference(config);
  metrics.dynamic = config->policy.dynamic_sampling;
  metrics.xe = config->policy.xe > 0;
  metrics.skipped = t->learn.skips.count;
  metrics.dropped += t->ledger.dropped;
  metrics.after = hub_counters(t->hub);
  metrics_line(line, t->progress.iteration, &metrics);
  metrics_log(t->progress.iteration, t->rollouts.iterations, &metrics);
  ObjectiveMeans means = objective_means(&metrics.sums);
  guard_take(&t->guard, t->progress.iteration, metrics.reference ? means.kl : NAN, means.entropy,
             metrics.rollouts.length);
  trace_add(began, clock_seconds(), "iteration %lld", (long long)t->progress.iteration);
  return OK;
}

static bool due(int64_t iteration, int64_t last, int every) {
  return every > 0 && (iteration % every == 0 || iteration == last);
}

/* --- the loop ------------------------------------------------------------------------------------------------ */

static bool evaluation_due(const Trainer *t) {
  return t->data.validation_count && due(t->progress.iteration, t->rollouts.iterations, t->config->evaluation.every);
}

/* While rollouts overlap the updates, an evaluation does too: it ends after the next iteration's update, and what is saved
 * at its boundary does not know it yet. */
static bool evaluation_overlaps(const Trainer *t) {
  return t->rollouts.lag > 0 && t->progress.iteration < t->rollouts.iterations;
}

/* Where stage 1 left off; and an evaluation that the checkpoint does not know. */
static Status begin(Trainer *t, bool *complete) {
  bool first = t->progress.iteration == 0;
  *complete = true;
  if (!evaluation_due(t) || !(first || evaluation_overlaps(t))) return OK;
  if (first) TRY(save(t, false));
  evaluation_open(t);
  return evaluation_overlaps(t) ? OK : evaluation_finish(t, complete);
}

/* Evaluation, metrics line and checkpoint at a boundary between iterations. */
static Status settle(Trainer *t, json_t *line, bool *complete) {
  bool best = false, evaluated = evaluation_due(t), later = evaluated && evaluation_overlaps(t);
  if (evaluated) evaluation_open(t);
  if (evaluated && !later) TRY(evaluation_take(t, line, &best, complete));
  if (!*complete) return OK;
  TRY(run_metrics(&t->run, line)); /* before the checkpoint: a resume rewinds it */
  if (best || later || due(t->progress.iteration, t->rollouts.iterations, t->config->checkpoint.every))
    TRY(save(t, best));
  return OK;
}

static Status loop(Trainer *t) {
  bool complete;
  TRY(begin(t, &complete));
  while (t->progress.iteration < t->rollouts.iterations && complete && !*t->stop) {
    TRY(report(t, "running", -1, NULL));
    boundary_keep(&t->kept, &t->updater, t->reference, &t->progress);
    json_t *line = json_object();
    Status status = iterate(t, line, &complete);
    if (status == OK && complete) status = evaluation_finish(t, &complete);
    if (status == OK && complete) status = settle(t, line, &complete);
    if (status != OK || !complete) boundary_restore(&t->kept, &t->updater, &t->reference, &t->progress);
    json_decref(line);
    TRY(status);
    if (!complete) TRY(follow_restore(t->team, t->progress.iteration));
  }
  return OK;
}

Status trainer_run(Trainer *t) {
  Status status = loop(t);
  bool finished = t->progress.iteration >= t->rollouts.iterations;
  if (status != OK) {
    char *message = xstrdup(status_message());
    if (!team_lost(t->team) && (follow_restore(t->team, t->progress.iteration) != OK || save(t, false) != OK))
      log_error("%s", status_message());
    status_set(status, "%s; the same command resumes from %s", message, t->run.checkpoints);
    free(message);
    return report_failure(t, status);
  }
  if (!finished) {
    TRY(save(t, false));
    log_info("stopped after iteration %lld; the same command resumes", (long long)t->progress.iteration);
    return report(t, "stopped", OK, "stopped by a signal; the same command resumes");
  }
  char hash[HASH_TEXT];
  checkpoint_weights_hash(&t->table, t->updater.weights, hash);
  char best[128] = "not evaluated";
  if (!isnan(t->progress.best))
    snprintf(best, sizeof best, "best CIDEr on %.64s %.4f", t->config->data.validation, t->progress.best);
  log_info("finished: %s, weights %s, %s", best, hash, t->run.checkpoints);
  return report(t, "finished", OK, NULL);
}

bool trainer_close(Trainer *t, int exit_code) {
  if (exit_code == OK && profile_enabled() && follow_profile(t->team) != OK) log_error("%s", status_message());
  pulse_set(NULL, NULL, 0);
  bool finalized = hub_close(t->hub, exit_code == OK ? "the run is over" : "the run failed", exit_code);
  t->hub = NULL, t->team = NULL;
  learn_free(&t->learn);
  update_free(&t->updater);
  ledger_free(&t->ledger);
  rollouts_free(&t->rollouts);
  params_free(&t->table);
  run_data_close(&t->data);
  boundary_free(&t->kept);
  shared_drop(t->reference);
  t->reference = NULL;
  run_close(&t->run);
  return finalized;
}
