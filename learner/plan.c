/* Plan: counts from the configuration and the dataset, memory and seconds from a few steps. */
#include "learner/plan.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"
#include "learner/boundary.h"
#include "learner/images.h"
#include "learner/learn.h"
#include "learner/rollouts.h"
#include "learner/run_data.h"
#include "learner/settings.h"
#include "learner/shard.h"
#include "learner/truth.h"

enum { STEPS = 3, CHUNK_IMAGES = 32 };

typedef struct Plan {
  const Config *config;
  Config part; /* with a rank's share of the minibatch; borrows the strings */
  const char *stage;
  RunData data;
  ParamTable table;
  Updater updater;
  json_t *found; /* owned */
} Plan;

static void tell(Plan *p, const char *name, double value) { json_object_set_new(p->found, name, json_number(value)); }

static Status plan_open(Plan *p, const char *option, int images) {
  const Config *config = p->config;
  p->found = json_object();
  omp_set_num_threads(settings_threads(config, strcmp(p->stage, "train") == 0 ? 1 : omp_get_num_procs()));
  policy_precision(config);
  TRY(run_data_open(&p->data, config, option, images));
  ModelShape shape = policy_shape(config, &p->data.dataset);
  TRY(params_init(&p->table, &shape));
  tell(p, "pictures", p->data.train_count);
  tell(p, "validation", p->data.validation_count);
  tell(p, "cells", shape.cells);
  tell(p, "features", shape.features);
  tell(p, "vocabulary", shape.vocabulary);
  tell(p, "weights", (double)p->table.total);
  tell(p, "threads", omp_get_max_threads());
  return OK;
}

static void plan_close(Plan *p, Status status) {
  if (status == OK) {
    json_dumpf(p->found, stdout, JSON_COMPACT);
    putchar('\n');
  }
  json_decref(p->found);
  update_free(&p->updater);
  params_free(&p->table);
  run_data_close(&p->data);
}

/* Of the run folder's newest checkpoint, all zero without one. */
static void finished(Plan *p, int64_t *iteration, int64_t *epoch) {
  char *folder = config_run_folder(p->config, p->stage), *latest = path_join(folder, "checkpoints/latest");
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  *iteration = *epoch = 0;
  if (file_exists(latest) && checkpoint_load(&checkpoint, &table, latest, 1) == OK)
    *iteration = checkpoint.iteration, *epoch = checkpoint.epoch;
  checkpoint_free(&checkpoint);
  params_free(&table);
  free(folder);
  free(latest);
}

/* Is there memory for the steps? What was asked for so far is mostly untouched. */
static bool fits(Plan *p, size_t blocks) {
  size_t needed = p->updater.captioner.arena.size + blocks * p->table.total * sizeof(float);
  size_t available = memory_available();
  tell(p, "needed_bytes", (double)needed);
  if (!available || needed < available) return true;
  log_warning("%.1f GiB would be needed and this machine has %.1f GiB: memory and time were not measured",
              (double)needed / (1 << 30), (double)available / (1 << 30));
  return false;
}

/* `later`: bytes that a run has and the steps did not. Activations are laid out for captions of full length. */
static void tell_memory(Plan *p, size_t later) {
  const Arena *arena = &p->updater.captioner.arena;
  tell(p, "memory_bytes", (double)(memory_peak() + later));
  tell(p, "longest_bytes", (double)(arena->size - arena->peak));
}

/* Pictures of a step with `captions` of people's each, from the beginning of the split on. */
static Status fill(Plan *p, Batch *batch, int images, int captions, int max_length) {
  batch_clear(batch);
  for (int i = 0; i < images; i++) {
    int32_t image = p->data.train[i % p->data.train_count];
    TRY(dataset_features(&p->data.dataset, image, batch_add_image(batch, NULL)));
    for (int c = 0; c < captions; c++) truth_add(batch, &p->data.dataset, image, 1, max_length, c, true);
  }
  return OK;
}

/* A chunk for each thread. */
static int evaluated(const Plan *p) {
  int count = CHUNK_IMAGES * omp_get_max_threads();
  return p->data.validation_count < count ? p->data.validation_count : count;
}

/* As in an evaluation: what the metrics need is in memory then, too. */
static void score(Plan *p, int count, char *const *texts) {
  EvaluationScores scores;
  caption_split_score(&p->data.dataset, p->data.validation, count, 1, texts, &scores);
  evaluation_scores_free(&scores);
}

/* --- stage 1 ------------------------------------------------------------------------------------------------------ */

static Status pretrain_steps(Plan *p, Batch *batch, int images) {
  const Config *config = p->config;
  Dropout dropout = {(float)config->model.dropout, (float)config->model.image_dropout, .seed = config->run.seed};
  XeReport report;
  double began = 0;
  TRY(fill(p, batch, images, config->pretrain.captions_per_image, config->model.max_length));
  for (int s = 0; s <= STEPS; s++) { /* the first one touches the memory */
    if (s == 1) began = clock_worked();
    TRY(update_xe(&p->updater, &batch->view, config->pretrain.label_smoothing, &dropout, 1, &report));
  }
  tell(p, "step_s", (clock_worked() - began) / STEPS);
  tell(p, "tokens_a_caption", (double)batch->view.tokens / batch->view.captions);
  return OK;
}

static Status pretrain_evaluation(Plan *p) {
  int count = evaluated(p);
  CaptionSplitOptions options = {
      .max_length = policy_max_length(p->config), .search = policy_search(p->config), .chunk_images = CHUNK_IMAGES};
  char **texts = xcalloc((size_t)count + 1, sizeof(char *));
  double began = clock_worked();
  Status status =
      count ? caption_split(&p->data.dataset, &p->table, p->updater.weights, p->data.validation, count, &options, texts)
            : OK;
  if (status == OK && count) {
    score(p, count, texts);
    tell(p, "evaluation_s", (clock_worked() - began) * p->data.validation_count / count);
  }
  for (int i = 0; i < count; i++) free(texts[i]);
  free(texts);
  return status;
}

/* The others have a part of the minibatch; of the moments, too. */
static size_t moments_elsewhere(const Plan *p) {
  int ranks = p->config->learner.ranks;
  return 2 * p->table.total * sizeof(float) / (size_t)ranks * (size_t)(ranks - 1);
}

static Status pretrain_find(Plan *p) {
  const Config *config = p->config;
  ImageOrder order;
  Batch batch;
  int64_t iteration, epoch;
  TRY(plan_open(p, "pretrain.batch_images", config->pretrain.batch_images));
  images_init(&order, config->run.seed, p->data.train, p->data.train_count, config->pretrain.batch_images);
  int steps = images_iterations_per_epoch(&order);
  images_free(&order);
  int images = shard_first(config->pretrain.batch_images, 1, config->learner.ranks);
  int captions = images * config->pretrain.captions_per_image, tokens = captions * config->model.max_length;
  OptimizerOptions optimizer = settings_optimizer(&config->pretrain.optimizer);
  finished(p, &iteration, &epoch);
  tell(p, "epochs", config->pretrain.epochs);
  tell(p, "done", (double)epoch);
  tell(p, "steps", steps);
  tell(p, "blocks_saved", 3);
  update_init(&p->updater, &p->table, &optimizer, images, captions, tokens);
  batch_init(&batch, &p->table.shape, images, captions, tokens);
  params_initialise(&p->table, config->run.seed, p->updater.weights);
  Status status = OK;
  if (fits(p, 4)) {
    status = pretrain_steps(p, &batch, images);
    if (status == OK) status = pretrain_evaluation(p);
    tell_memory(p, 0);
    tell(p, "elsewhere_bytes", (double)moments_elsewhere(p));
  }
  batch_free(&batch);
  return status;
}

Status plan_pretrain(const Config *config) {
  Plan p = {.config = config, .stage = "pretrain"};
  Status status = pretrain_find(&p);
  plan_close(&p, status);
  return status;
}

/* --- stage 2 ------------------------------------------------------------------------------------------------------ */

static Status train_steps(Plan *p, Learn *learn, int images) {
  const Config *config = p->config;
  Batch *batch = &learn->batch;
  float temperature = (float)config->sampling.temperature;
  ObjectiveOptions objective = settings_objective(config);
  Dropout dropout = {(float)config->policy.dropout, (float)config->policy.image_dropout, .seed = config->run.seed};
  RolloutTerms terms = {.log_mu = learn->batch_log_mu, .advantage = learn->batch_advantage, .xe = config->policy.xe};
  ObjectiveSums sums = {0};
  double grad_norm, began = 0;
  TRY(fill(p, batch, images, config->policy.group, policy_max_length(config)));
  if (policy_reference(config)) terms.log_ref = learn->batch_log_mu;
  if (config->policy.xe > 0) {
    TRY(fill(p, &learn->truth, images, config->policy.group, policy_max_length(config)));
    terms.truth = &learn->truth.view;
  }
  for (int c = 0; c < batch->view.captions; c++) learn->batch_advantage[c] = c % 2 ? 1 : -1;
  for (int s = 0; s <= STEPS; s++) {
    if (s == 1) began = clock_worked();
    if (s == 0) update_logp(&p->updater, p->updater.weights, &batch->view, temperature, learn->batch_log_mu);
    TRY(update_policy(&p->updater, &batch->view, &terms, &objective, temperature, &dropout, 1, &sums, &grad_norm));
  }
  tell(p, "step_s", (clock_worked() - began) / STEPS);
  began = clock_worked();
  update_logp(&p->updater, p->updater.weights, &batch->view, temperature, learn->batch_log_mu);
  tell(p, "forward_s", clock_worked() - began);
  return OK;
}

/* Of captions that actors make: here a person's of each picture. */
static void train_evaluation(Plan *p) {
  int count = evaluated(p), captioned = 0;
  char **texts = xcalloc((size_t)count + 1, sizeof(char *));
  for (; captioned < count; captioned++) {
    int image = p->data.validation[captioned], first = p->data.dataset.image_first[image];
    if (p->data.dataset.image_first[image + 1] == first) break;
    texts[captioned] = p->data.dataset.words[first];
  }
  double began = clock_worked();
  if (captioned) {
    score(p, captioned, texts);
    tell(p, "evaluation_s", (clock_worked() - began) * p->data.validation_count / captioned);
  }
  free(texts);
}

static void tell_iterations(Plan *p) {
  const Config *config = p->config;
  Rollouts rollouts;
  int64_t iteration, epoch;
  rollouts_init(&rollouts, config, p->data.train, p->data.train_count);
  finished(p, &iteration, &epoch);
  tell(p, "iterations", (double)rollouts.iterations);
  tell(p, "done", (double)iteration);
  tell(p, "chunks", rollouts.chunks);
  tell(p, "blocks_saved", 4 + config->actors.lag);
  bool stale = policy_lag(config) > 0 && settings_objective(config).form == OBJECTIVE_CLIPPED &&
               settings_off_policy(config) != OFF_POLICY_CLIP_ONLY;
  tell(p, "computed_again", stale);
  rollouts_free(&rollouts);
}

/* Policy versions, and references while they move, that there are once a run is on its way: the steps have the first version,
 * which is the reference too, and one to write to. */
static size_t blocks_later(const Config *config) {
  int lag = policy_lag(config);
  if (!config->reference.refresh_every) return (size_t)lag + 1;
  return 2 * (size_t)lag + 1 + (config->reference.mix < 1);
}

static Status train_find(Plan *p) {
  Config *part = &p->part;
  *part = *p->config;
  Learn learn = {0};
  Boundary kept = {0};
  float *weights = NULL;
  TRY(plan_open(p, "policy.images_per_iteration", part->policy.images_per_iteration));
  tell_iterations(p);
  int minibatch = part->policy.minibatch_images, images = shard_first(minibatch, 1, part->learner.ranks);
  tell(p, "steps", part->policy.inner_epochs * ((part->policy.images_per_iteration + minibatch - 1) / minibatch));
  tell(p, "minibatches", (part->policy.images_per_iteration + minibatch - 1) / minibatch);
  part->policy.minibatch_images = images;
  p->config = part;
  learn_init_updater(&learn, &p->updater, part, &p->data.dataset, &p->table, NULL);
  boundary_init(&kept, &p->updater, part->actors.lag);
  ParamTable table = {0};
  Status status = policy_initial(part, &p->data.dataset, &table, &weights);
  if (status == OK) update_take(&p->updater, shared_of(weights));
  params_free(&table);
  if (status == OK && fits(p, 7 + blocks_later(part))) {
    boundary_keep(&kept, &p->updater, p->updater.block, &(Progress){0});
    status = train_steps(p, &learn, images);
    train_evaluation(p);
    tell_memory(p, blocks_later(part) * p->table.total * sizeof(float));
    tell(p, "elsewhere_bytes", 2 * (double)moments_elsewhere(p)); /* the boundary's copies, too */
  }
  boundary_free(&kept);
  learn_free(&learn);
  return status;
}

Status plan_train(const Config *config) {
  Plan p = {.config = config, .stage = "train"};
  Status status = train_find(&p);
  plan_close(&p, status);
  return status;
}
