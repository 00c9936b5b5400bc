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
#include "common/model/caption_split.h"
#include "common/model/policy.h"
#include "learner/batch.h"
#include "learner/images.h"
#include "learner/metrics.h"
#include "learner/run_folder.h"
#include "learner/settings.h"
#include "learner/skips.h"
#include "learner/truth.h"
#include "learner/update.h"

typedef struct Pretrain {
  const Config *config;
  RunFolder run;
  Dataset dataset;
  ParamTable table;
  Updater updater;
  Batch batch;
  ImageOrder order;
  int32_t *train, *validation;
  int train_count, validation_count;
  int steps_per_epoch;
  int64_t epoch, tokens; /* finished epochs, target tokens seen */
  double best;           /* CIDEr on the validation split, NaN = none */
  Skips skips;           /* of the epoch */
} Pretrain;

/* --- start and resume ---------------------------------------------------------------------------------------- */

static Status load_checkpoint(Pretrain *p, bool *found) {
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  TRY(run_resume(&p->run, &checkpoint, &table, found));
  if (!*found) return run_rewind(&p->run, -1);
  Status status = policy_resumes(&checkpoint, p->run.path, "pretrain", p->config, &p->dataset, true);
  if (status == OK && (!checkpoint.moment1 || !checkpoint.moment2))
    status = status_set(BAD_INPUT, "%s: its checkpoint lacks the optimizer's state; another run.dir was expected",
                        p->run.path);
  if (status == OK) {
    size_t bytes = p->table.total * sizeof(float);
    memcpy(p->updater.weights, checkpoint.weights, bytes);
    memcpy(p->updater.optimizer.moment1, checkpoint.moment1, bytes);
    memcpy(p->updater.optimizer.moment2, checkpoint.moment2, bytes);
    p->updater.optimizer.step = checkpoint.step;
    p->epoch = checkpoint.epoch;
    p->tokens = checkpoint.tokens;
    p->best = checkpoint.best;
    status = run_rewind(&p->run, checkpoint.iteration);
  }
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

static Status pretrain_open(Pretrain *p) {
  const Config *config = p->config;
  p->best = NAN;
  TRY(dataset_open(&p->dataset, config->data.file, false));
  TRY(policy_fits_splits(config, &p->dataset, "pretrain.batch_images", config->pretrain.batch_images));
  TRY(caption_split_images(&p->dataset, config->data.train, 0, &p->train, &p->train_count));
  if (config->evaluation.every)
    TRY(caption_split_images(&p->dataset, config->data.validation, config->evaluation.images, &p->validation,
                             &p->validation_count));
  ModelShape shape = policy_shape(config, &p->dataset);
  TRY(params_init(&p->table, &shape));
  TRY(run_open(&p->run, config, "pretrain"));

  int images = config->pretrain.batch_images, captions = images * config->pretrain.captions_per_image;
  int tokens = captions * config->model.max_length;
  OptimizerOptions optimizer = settings_optimizer(&config->pretrain.optimizer);
  update_init(&p->updater, &p->table, &optimizer, images, captions, tokens);
  batch_init(&p->batch, &shape, images, captions, tokens);
  images_init(&p->order, config->run.seed, p->train, p->train_count, images);
  p->steps_per_epoch = images_iterations_per_epoch(&p->order);
  bool found;
  TRY(load_checkpoint(p, &found));
  if (!found) params_initialise(&p->table, config->run.seed, p->updater.weights);
  return run_configure(&p->run, config);
}

static void pretrain_free(Pretrain *p) {
  images_free(&p->order);
  batch_free(&p->batch);
  update_free(&p->updater);
  params_free(&p->table);
  dataset_close(&p->dataset);
  free(p->train);
  free(p->validation);
  run_close(&p->run);
}

/* --- training ------------------------------------------------------------------------------------------------ */

static Status fill_batch(Pretrain *p, int64_t step) {
  const Config *config = p->config;
  const int32_t *images = images_iteration(&p->order, step);
  batch_clear(&p->batch);
  for (int i = 0; i < config->pretrain.batch_images; i++) {
    TRY(dataset_features(&p->dataset, images[i], batch_add_image(&p->batch, NULL)));
    truth_add(&p->batch, &p->dataset, images[i], config->pretrain.captions_per_image, config->model.max_length,
              p->epoch, true);
  }
  return OK;
}

typedef struct EpochSums {
  double loss, nll, grad_norm, multiplier;
  int64_t tokens;
} EpochSums;

static Status train_epoch(Pretrain *p, Progress *progress, const volatile int *stop, EpochSums *sums) {
  const Config *config = p->config;
  ScheduleOptions schedule = settings_schedule(&config->pretrain.schedule);
  int64_t all_steps = (int64_t)config->pretrain.epochs * p->steps_per_epoch;
  *sums = (EpochSums){0};
  p->skips.count = 0;
  for (int s = 0; s < p->steps_per_epoch && !*stop; s++) {
    int64_t step = p->epoch * p->steps_per_epoch + s;
    TRY(fill_batch(p, step));
    Dropout dropout = {.rate = (float)config->model.dropout,
                       .image_rate = (float)config->model.image_dropout,
                       .seed = config->run.seed,
                       .step = (uint32_t)step};
    XeReport report;
    sums->multiplier = schedule_multiplier(&schedule, step, all_steps);
    Status status =
        update_xe(&p->updater, &p->batch.view, config->pretrain.label_smoothing, &dropout, sums->multiplier, &report);
    status = skips_take(&p->skips, status, &report.grad_norm);
    if (status != OK) return status_prefix(status, "step %lld", (long long)step);
    if (p->skips.in_a_row) continue;
    sums->loss += report.loss * report.tokens;
    sums->nll += report.nll * report.tokens;
    sums->grad_norm += report.grad_norm;
    sums->tokens += report.tokens;
    char note[64];
    snprintf(note, sizeof note, "epoch %lld/%d, loss %.3f", (long long)p->epoch + 1, config->pretrain.epochs,
             report.loss);
    progress_update(progress, (long)step + 1, note);
  }
  return OK;
}

/* Adds eval/<metric> of the validation split to `line`; *best when it is the best CIDEr so far, or there is no such
 * split. */
static Status evaluate(Pretrain *p, json_t *line, bool *best) {
  const Config *config = p->config;
  *best = p->validation_count == 0;
  if (!p->validation_count) return OK;
  CaptionSplitOptions options = {
      .max_length = policy_max_length(config), .search = policy_search(config), .chunk_images = 32};
  char **texts = xcalloc((size_t)p->validation_count, sizeof(char *));
  ProfileBegin began = profile_begin();
  Status status =
      caption_split(&p->dataset, &p->table, p->updater.weights, p->validation, p->validation_count, &options, texts);
  profile_end(PROFILE_DECODE, began, 0);
  if (status == OK) {
    EvaluationScores scores;
    began = profile_begin();
    caption_split_score(&p->dataset, p->validation, p->validation_count, 1, texts, &scores);
    metrics_evaluation_add(line, &scores, caption_split_words(texts, p->validation_count));
    profile_end(PROFILE_REWARD, began, 0);
    double cider = scores.corpus[METRIC_CIDER];
    *best = isnan(p->best) || cider > p->best;
    if (*best) p->best = cider;
    for (int i = 0; i < p->validation_count; i++) free(texts[i]);
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
                           .weights = p->updater.weights,
                           .moment1 = p->updater.optimizer.moment1,
                           .moment2 = p->updater.optimizer.moment2};
  policy_sign(&checkpoint, p->config, &p->dataset);
  Status status = run_checkpoint(&p->run, &checkpoint, &p->table, best);
  free(checkpoint.config);
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
  if (status == OK) status = run_append(&p->run, "metrics.jsonl", line); /* first: a resume rewinds it */
  if (status == OK) status = save(p, best);
  json_decref(line);
  return status;
}

static Status report(const Pretrain *p, const char *phase, int exit_code, const char *message) {
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

static Status train(Pretrain *p, const volatile int *stop) {
  Progress progress;
  long all = (long)p->config->pretrain.epochs * p->steps_per_epoch;
  log_info("stage 1: %d images, %d epochs of %d steps, %zu weights, %d threads, %s", p->train_count,
           p->config->pretrain.epochs, p->steps_per_epoch, p->table.total, omp_get_max_threads(), p->run.path);
  progress_begin(&progress, "pretrain", "steps", all, (long)p->epoch * p->steps_per_epoch);
  while (p->epoch < p->config->pretrain.epochs && !*stop) {
    double began = clock_seconds();
    EpochSums sums;
    TRY(report(p, "running", -1, NULL));
    TRY(train_epoch(p, &progress, stop, &sums));
    if (*stop) break;
    p->epoch++;
    p->tokens += sums.tokens;
    TRY(finish_epoch(p, &sums, clock_seconds() - began));
  }
  progress_end(&progress, (long)p->epoch * p->steps_per_epoch);
  return OK;
}

Status pretrain_run(const Config *config, const volatile int *stop) {
  Pretrain p = {.config = config};
  omp_set_num_threads(settings_threads(config, omp_get_num_procs()));
  Status status = pretrain_open(&p);
  if (status == OK) {
    status = train(&p, stop);
    bool stopped = p.epoch < config->pretrain.epochs;
    if (status != OK) (void)report(&p, "failed", status, status_message());
    else if (stopped) status = report(&p, "stopped", OK, "stopped by a signal; the same command resumes");
    else status = report(&p, "finished", OK, NULL);
    if (status == OK && stopped) log_info("stopped after epoch %lld; the same command resumes", (long long)p.epoch);
    if (status == OK && !stopped && isnan(p.best))
      log_info("finished: not evaluated, %s/best.h5 is the last epoch", p.run.checkpoints);
    else if (status == OK && !stopped)
      log_info("finished: best CIDEr on %s %.4f, %s/best.h5", config->data.validation, p.best, p.run.checkpoints);
  }
  pretrain_free(&p);
  return status;
}
