/* Pretrain: epochs of cross-entropy steps, an evaluation and a checkpoint after each. */
#include "learner/pretrain.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/progress.h"
#include "common/base/pulse.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"
#include "learner/batch.h"
#include "learner/best.h"
#include "learner/images.h"
#include "learner/metrics.h"
#include "learner/run_data.h"
#include "learner/run_folder.h"
#include "learner/settings.h"
#include "learner/shard.h"
#include "learner/skips.h"
#include "learner/state.h"
#include "learner/truth.h"
#include "learner/update.h"

typedef struct Pretrain {
  const Config *config;
  Team *team; /* NULL = one rank */
  RunFolder run;
  RunData data;
  ParamTable table;
  Updater updater;
  Batch batch;
  ImageOrder order;
  int steps_per_epoch;
  int64_t epoch, tokens; /* finished epochs, target tokens seen */
  double best;           /* CIDEr on the validation split, NaN = none */
  int64_t best_step;     /* of it */
  Skips skips;           /* of the epoch */
} Pretrain;

/* --- start and resume ---------------------------------------------------------------------------------------- */

static bool leads(const Pretrain *p) { return team_rank(p->team) == 0; }

static Status take_checkpoint(Pretrain *p, const Checkpoint *checkpoint) {
  Status status = policy_resumes(checkpoint, p->run.path, "pretrain", p->config, &p->data.dataset, true);
  if (status == OK && (!checkpoint->moment1 || !checkpoint->moment2))
    status = status_set(BAD_INPUT, "%s: its checkpoint lacks the optimizer's state; another run.dir was expected",
                        p->run.path);
  TRY(status);
  memcpy(p->updater.weights, checkpoint->weights, p->table.total * sizeof(float));
  p->epoch = checkpoint->epoch;
  p->tokens = checkpoint->tokens;
  p->best = checkpoint->best;
  p->best_step = checkpoint->best_iteration;
  return run_rewind(&p->run, checkpoint->iteration);
}

/* All ranks begin where the lead does: at the newest checkpoint, or with new weights. */
static Status begin_weights(Pretrain *p) {
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  bool found = false;
  Status status = leads(p) ? run_resume(&p->run, &checkpoint, &table, &found) : OK;
  if (status == OK && found) status = take_checkpoint(p, &checkpoint);
  if (status == OK && leads(p) && !found) {
    status = run_rewind(&p->run, -1);
    params_initialise(&p->table, p->config->run.seed, p->updater.weights);
  }
  if (team_pass(p->team, status) == OK) status = state_spread(&p->updater, &checkpoint);
  if (status == OK) status = team_broadcast(p->team, &p->epoch, sizeof p->epoch);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

static Status pretrain_load(Pretrain *p) {
  const Config *config = p->config;
  TRY(config_check_ranks(config, "pretrain"));
  TRY(run_data_open(&p->data, config, "pretrain.batch_images", config->pretrain.batch_images));
  ModelShape shape = policy_shape(config, &p->data.dataset);
  TRY(params_init(&p->table, &shape));
  if (leads(p)) TRY(run_open(&p->run, config, "pretrain"));

  int images = shard_first(config->pretrain.batch_images, 1, team_ranks(p->team));
  int captions = images * config->pretrain.captions_per_image;
  int tokens = captions * config->model.max_length;
  OptimizerOptions optimizer = settings_optimizer(&config->pretrain.optimizer);
  update_init(&p->updater, &p->table, &optimizer, images, captions, tokens);
  update_join(&p->updater, p->team);
  batch_init(&p->batch, &shape, images, captions, tokens);
  images_init(&p->order, config->run.seed, p->data.train, p->data.train_count, config->pretrain.batch_images);
  p->steps_per_epoch = images_iterations_per_epoch(&p->order);
  return OK;
}

static Status pretrain_open(Pretrain *p) {
  TRY(team_pass(p->team, pretrain_load(p)));
  TRY(state_meet(p->team, p->config, &p->data.dataset, &p->table));
  TRY(begin_weights(p));
  return team_pass(p->team, leads(p) ? run_configure(&p->run, p->config) : state_trace(p->team, p->config, "pretrain"));
}

static void pretrain_free(Pretrain *p) {
  images_free(&p->order);
  batch_free(&p->batch);
  update_free(&p->updater);
  params_free(&p->table);
  run_data_close(&p->data);
  run_close(&p->run);
}

/* --- training ------------------------------------------------------------------------------------------------ */

static Status fill_batch(Pretrain *p, int64_t step) {
  const Config *config = p->config;
  const int32_t *images = images_iteration(&p->order, step);
  int count = config->pretrain.batch_images, rank = team_rank(p->team), ranks = team_ranks(p->team);
  batch_clear(&p->batch);
  for (int i = shard_first(count, rank, ranks); i < shard_first(count, rank + 1, ranks); i++) {
    TRY(dataset_features(&p->data.dataset, images[i], batch_add_image(&p->batch, NULL)));
    truth_add(&p->batch, &p->data.dataset, images[i], config->pretrain.captions_per_image, config->model.max_length,
              p->epoch, true);
  }
  return OK;
}

typedef struct EpochSums {
  double loss, nll, grad_norm, multiplier;
  int64_t tokens;
} EpochSums;

static Status train_epoch(Pretrain *p, Progress *progress, const volatile int *stop, EpochSums *sums, bool *stopped) {
  const Config *config = p->config;
  ScheduleOptions schedule = settings_schedule(&config->pretrain.schedule);
  int64_t all_steps = (int64_t)config->pretrain.epochs * p->steps_per_epoch;
  *sums = (EpochSums){0};
  p->skips.count = 0;
  *stopped = false;
  for (int s = 0; s < p->steps_per_epoch; s++) {
    int64_t step = p->epoch * p->steps_per_epoch + s;
    *stopped = team_decide(p->team, *stop);
    if (*stopped) return OK;
    TRY(team_pass(p->team, fill_batch(p, step)));
    Dropout dropout = {.rate = (float)config->model.dropout,
                       .image_rate = (float)config->model.image_dropout,
                       .seed = config->run.seed,
                       .step = (uint32_t)step};
    XeReport report;
    sums->multiplier = schedule_multiplier(&schedule, step, all_steps);
    Status status =
        update_xe(&p->updater, &p->batch.view, config->pretrain.label_smoothing, &dropout, sums->multiplier, &report);
    if (!team_lost(p->team)) status = skips_take(&p->skips, status, &report.grad_norm);
    if (status != OK) return status_prefix(status, "step %lld", (long long)step);
    if (p->skips.in_a_row) continue;
    sums->loss += report.loss * report.tokens;
    sums->nll += report.nll * report.tokens;
    sums->grad_norm += report.grad_norm;
    sums->tokens += report.tokens;
    char note[64];
    snprintf(note, sizeof note, "epoch %lld/%d, loss %.3f", (long long)p->epoch + 1, config->pretrain.epochs,
             report.loss);
    if (progress) progress_update(progress, (long)step + 1, note);
  }
  return OK;
}

/* Adds eval/<metric> of the validation split to `line`; *best when it is the best CIDEr so far, or there is no such
 * split. */
static Status evaluate(Pretrain *p, json_t *line, bool *best) {
  const Config *config = p->config;
  *best = p->data.validation_count == 0;
  if (!p->data.validation_count) return OK;
  CaptionSplitOptions options = {
      .max_length = policy_max_length(config), .search = policy_search(config), .chunk_images = 32};
  char **texts = xcalloc((size_t)p->data.validation_count, sizeof(char *));
  ProfileBegin began = profile_begin();
  Status status = caption_split(&p->data.dataset, &p->table, p->updater.weights, p->data.validation,
                                p->data.validation_count, &options, texts);
  profile_end(PROFILE_DECODE, began, 0);
  if (status == OK) {
    EvaluationScores scores;
    began = profile_begin();
    caption_split_score(&p->data.dataset, p->data.validation, p->data.validation_count, 1, texts, &scores);
    metrics_evaluation_add(line, &scores, caption_split_words(texts, p->data.validation_count));
    profile_end(PROFILE_REWARD, began, 0);
    *best = best_take(&p->best, &p->best_step, scores.corpus[METRIC_CIDER], p->updater.optimizer.step);
    for (int i = 0; i < p->data.validation_count; i++) free(texts[i]);
    evaluation_scores_free(&scores);
  }
  free(texts);
  return status;
}

static Status save(Pretrain *p, bool best) {
  Checkpoint checkpoint = {.shape = p->table.shape,
                           .stage = "pretrain",
                           .iteration = p->updater.optimizer.step,
                           .epoch = p->epoch,
                           .step = p->updater.optimizer.step,
                           .tokens = p->tokens,
                           .best = p->best,
                           .best_iteration = p->best_step,
                           .weights = p->updater.weights};
  TRY(state_collect(&p->updater, &checkpoint));
  policy_sign(&checkpoint, p->config, &p->data.dataset);
  Status status = run_checkpoint(&p->run, &checkpoint, &p->table, best);
  free(checkpoint.config);
  state_return(&p->updater, &checkpoint);
  return status;
}

/* Metrics, evaluation, checkpoint after an epoch. */
static Status finish_epoch(Pretrain *p, const EpochSums *sums, double seconds) {
  json_t *line = json_object();
  double tokens = (double)sums->tokens;
  json_object_set_new(line, "iteration", json_integer(p->updater.optimizer.step));
  json_object_set_new(line, "epoch", json_integer(p->epoch));
  json_object_set_new(line, "loss", json_number(sums->loss / tokens));
  json_object_set_new(line, "nll", json_number(sums->nll / tokens));
  json_object_set_new(line, "grad_norm", json_number(sums->grad_norm / p->steps_per_epoch));
  json_object_set_new(line, "learning_rate", json_number(sums->multiplier * p->config->pretrain.optimizer.lr));
  json_object_set_new(line, "skipped_steps", json_integer(p->skips.count));
  json_object_set_new(line, "num_tokens", json_integer(p->tokens));
  json_object_set_new(line, "tokens_per_s", json_number(tokens / seconds));
  json_object_set_new(line, "step_time", json_number(seconds / p->steps_per_epoch));
  bool best;
  Status status = evaluate(p, line, &best);
  json_t *cider = json_object_get(line, "eval/CIDEr");
  char score[32] = "";
  if (cider) snprintf(score, sizeof score, "  CIDEr %.4f", json_real_value(cider));
  log_info("epoch %lld/%d  loss %.4f  %.0f tokens/s%s", (long long)p->epoch, p->config->pretrain.epochs,
           sums->loss / tokens, tokens / seconds, score);
  if (status == OK) status = run_metrics(&p->run, line); /* first: a resume rewinds it */
  if (status == OK) status = save(p, best);
  json_decref(line);
  return status;
}

static Status report(const Pretrain *p, const char *phase, int exit_code, const char *message) {
  if (!leads(p)) return OK;
  char hash[HASH_TEXT] = "";
  if (exit_code == OK) checkpoint_weights_hash(&p->table, p->updater.weights, hash);
  RunStatus status = {.phase = phase,
                      .iteration = p->updater.optimizer.step,
                      .iterations = (int64_t)p->config->pretrain.epochs * p->steps_per_epoch,
                      .exit = exit_code,
                      .message = message,
                      .weights_hash = *hash ? hash : NULL};
  return run_status(&p->run, &status);
}

/* What the lead does between two epochs; the others send it their moments. */
static Status settle_epoch(Pretrain *p, const EpochSums *sums, double seconds) {
  p->epoch++;
  p->tokens += sums->tokens;
  return leads(p) ? team_pass(p->team, finish_epoch(p, sums, seconds)) : state_collect(&p->updater, NULL);
}

static Status train(Pretrain *p, const volatile int *stop) {
  Progress progress;
  long all = (long)p->config->pretrain.epochs * p->steps_per_epoch;
  if (leads(p))
    log_info("stage 1: %d images, %d epochs of %d steps, %zu weights, %d threads, %s", p->data.train_count,
             p->config->pretrain.epochs, p->steps_per_epoch, p->table.total, omp_get_max_threads(), p->run.path);
  if (leads(p)) progress_begin(&progress, "pretrain", "steps", all, (long)p->epoch * p->steps_per_epoch);
  bool stopped = false;
  while (p->epoch < p->config->pretrain.epochs && !stopped) {
    double began = clock_seconds();
    EpochSums sums;
    TRY(team_pass(p->team, report(p, "running", -1, NULL)));
    TRY(train_epoch(p, leads(p) ? &progress : NULL, stop, &sums, &stopped));
    if (!stopped) TRY(settle_epoch(p, &sums, clock_seconds() - began));
  }
  if (leads(p)) progress_end(&progress, (long)p->epoch * p->steps_per_epoch);
  return OK;
}

/* The last word, in the log and in status.json. */
static Status conclude(Pretrain *p, Status status) {
  bool stopped = p->epoch < p->config->pretrain.epochs;
  if (status != OK) (void)report(p, "failed", status, status_message());
  else if (stopped) status = report(p, "stopped", OK, "stopped by a signal; the same command resumes");
  else status = report(p, "finished", OK, NULL);
  if (status != OK || !leads(p)) return status;
  if (stopped) log_info("stopped after epoch %lld; the same command resumes", (long long)p->epoch);
  else if (isnan(p->best)) log_info("finished: not evaluated, %s/best.h5 is the last epoch", p->run.checkpoints);
  else log_info("finished: best CIDEr on %s %.4f, %s/best.h5", p->config->data.validation, p->best, p->run.checkpoints);
  return OK;
}

static void pulsed(void *team) { team_pump(team); }

#define PULSE_S 0.01

Status pretrain_run(const Config *config, Team *team, const volatile int *stop) {
  Pretrain p = {.config = config, .team = team, .best = NAN, .best_step = -1, .run = {.lock = -1}};
  omp_set_num_threads(settings_threads(config, omp_get_num_procs()));
  policy_precision(config);
  if (team) pulse_set(pulsed, team, PULSE_S);
  Status status = pretrain_open(&p);
  if (status == OK) status = conclude(&p, train(&p, stop));
  else if (team && p.run.lock >= 0) (void)report(&p, "failed", status, status_message());
  pulse_set(NULL, NULL, 0);
  if (!team_lost(team)) pretrain_free(&p); /* else MPI may still have some of it, and the process is about to end */
  return status;
}
