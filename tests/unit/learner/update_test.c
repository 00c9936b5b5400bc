/* Whole updates: weights after steps of both stages against PyTorch, micro-batches, bits against threads. */
#include "learner/update.h"

#include <omp.h>
#include <string.h>

#include "common/tensor/gemm.h"
#include "learner/advantage.h"
#include "learner/batch.h"
#include "tests/unit/learner/golden.h"

enum { STEPS = 3 };

/* noise() of tests/golden/model/make_captioner_golden.py: [-0.5, 0.5). */
static float noise(uint32_t stream, uint32_t i) {
  uint32_t x = i * 2654435761u + stream * 97u + 1u;
  for (int round = 0; round < 2; round++) x = (x ^ x >> 16) * 0x45D9F3Bu;
  x ^= x >> 16;
  return (float)((double)x * 0x1p-32 - 0.5);
}

/* Model.param() of the same script. */
static void weights_fill(const ParamTable *table, float *weights) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    size_t length = strlen(row->name);
    bool norm = length > 11 && strcmp(row->name + length - 11, "norm.weight") == 0;
    double scale = row->columns > 1 ? (double)(float)(3 / sqrt((double)row->columns)) : 1;
    for (size_t i = 0; i < row->count; i++)
      weights[row->offset + i] = (float)((double)noise((uint32_t)r, (uint32_t)i) * scale + (norm ? 1 : 0));
  }
}

static void check_weights(const ParamTable *table, const float *weights, const json_t *want) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    int count;
    double *values = numbers(json_object_get(want, row->name), &count);
    assert_true((size_t)count == row->count);
    for (int i = 0; i < count; i++) assert_close(weights[row->offset + (size_t)i], values[i], 1e-5, 2e-5, row->name, i);
    free(values);
  }
}

static ModelShape shape_of(const json_t *root) {
  const json_t *shape = json_object_get(root, "shape");
  return (ModelShape){.vocabulary = (int)number(shape, "vocabulary"),
                      .width = (int)number(shape, "d_model"),
                      .heads = (int)number(shape, "heads"),
                      .feed_forward = (int)number(shape, "d_ff"),
                      .encoder_layers = (int)number(shape, "enc_layers"),
                      .decoder_layers = (int)number(shape, "dec_layers"),
                      .cells = (int)number(shape, "cells"),
                      .features = (int)number(shape, "features"),
                      .positions = (int)number(shape, "positions")};
}

static void batch_from(Batch *batch, const json_t *root, const ModelShape *shape) {
  int captions, tokens, at = 0, image = -1;
  double *group = numbers(json_object_get(root, "group"), &captions);
  double *lengths = numbers(json_object_get(root, "lengths"), &captions);
  double *targets = numbers(json_object_get(root, "targets"), &tokens);
  double *inputs = numbers(json_object_get(root, "inputs"), &tokens);
  batch_init(batch, shape, 3, captions, tokens);
  for (int c = 0; c < captions; at += (int)lengths[c++]) {
    int32_t words[16];
    if ((int)group[c] != image) {
      float *slot = batch_add_image(batch, NULL);
      image = (int)group[c];
      for (size_t i = 0; i < batch->image_floats; i++)
        slot[i] = noise(901, (uint32_t)((size_t)image * batch->image_floats + i)) * 4;
    }
    for (int t = 0; t < (int)lengths[c]; t++) words[t] = (int32_t)targets[at + t];
    assert_int_equal(batch_add_caption(batch, words, (int)lengths[c]), at);
  }
  for (int t = 0; t < tokens; t++) assert_int_equal(batch->view.input[t], (int)inputs[t]);
  free(group), free(lengths), free(targets), free(inputs);
}

static double step_number(const json_t *root, const char *stage, int step, const char *key) {
  return number(json_array_get(json_object_get(root, stage), (size_t)step), key);
}

static void run_xe(Updater *updater, const json_t *root, const CaptionBatch *batch) {
  for (int s = 0; s < STEPS; s++) {
    XeReport report;
    assert_int_equal(update_xe(updater, batch, 0.125, NULL, 1 - s / 4.0, &report), OK);
    assert_close(report.loss, step_number(root, "xe", s, "loss"), 1e-5, 0, "xe loss", s);
    assert_close(report.grad_norm, step_number(root, "xe", s, "grad_norm"), 1e-4, 0, "xe grad_norm", s);
    assert_int_equal(report.tokens, batch->tokens);
  }
}

/* Its steps are called `stage` in the golden: policy; decoupled, where prox is what the weights give now; mixed, with
 * an entropy bonus and the cross-entropy of the batch itself. */
static void run_policy(Updater *updater, const json_t *root, const CaptionBatch *batch, const char *stage) {
  int captions;
  double *rewards = numbers(json_object_get(root, "rewards"), &captions), advantage[16];
  AdvantageOptions kind = ADVANTAGE_DEFAULTS;
  for (int c = 0; c < captions; c += 2) advantage_group(&kind, 2, rewards + c, 0, advantage + c);
  RolloutTerms terms = {.log_mu = floats(root, "log_mu"), .log_ref = floats(root, "log_ref"), .advantage = advantage};
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.beta = 0.0625, options.eps_high = 0.28125, options.importance_cap = 1.25;
  float log_prox[64], temperature = (float)number(root, "temperature");
  assert_true(batch->tokens <= 64);
  update_logp(updater, updater->weights, batch, temperature, log_prox);
  bool mixed = strcmp(stage, "mixed") == 0;
  if (mixed) options.entropy_bonus = 0.0625, terms.truth = batch, terms.xe = 0.25;
  if (strcmp(stage, "decoupled") == 0) terms.log_prox = log_prox;
  for (int s = 0; s < STEPS; s++) {
    double norm;
    ObjectiveSums sums = {0};
    assert_int_equal(update_policy(updater, batch, &terms, &options, temperature, NULL, 1 - s / 4.0, &sums, &norm), OK);
    ObjectiveMeans means = objective_means(&sums);
    assert_close(means.loss, step_number(root, stage, s, "loss"), 1e-4, 1e-6, stage, s);
    assert_close(means.kl, step_number(root, stage, s, "kl"), 1e-4, 1e-6, "kl", s);
    if (mixed) assert_close(means.xe, step_number(root, stage, s, "xe"), 1e-4, 1e-6, "xe", s);
    if (mixed) assert_close(means.entropy, step_number(root, stage, s, "entropy"), 1e-4, 1e-6, "entropy", s);
    assert_close(norm, step_number(root, stage, s, "grad_norm"), 1e-4, 0, "policy grad_norm", s);
    assert_true(sums.steps == 1 && sums.tokens == batch->tokens && means.entropy > 0);
  }
  free(rewards), free((float *)terms.log_mu), free((float *)terms.log_ref);
}

/* Both stages with the given micro-batch limits. */
static void train_like_torch(int max_images, int max_captions, int max_tokens) {
  json_t *root = golden_read(GOLDEN "update.json");
  ModelShape shape = shape_of(root);
  ParamTable table;
  Batch batch;
  gemm_init();
  assert_int_equal(params_init(&table, &shape), OK);
  batch_from(&batch, root, &shape);
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  options.learning_rate = number(root, "learning_rate");
  options.eps = number(root, "eps");
  options.weight_decay = 0.03125;
  Updater xe, policy;
  update_init(&xe, &table, &options, max_images, max_captions, max_tokens);
  options.kind = OPTIMIZER_ADAMW;
  update_init(&policy, &table, &options, max_images, max_captions, max_tokens);
  weights_fill(&table, xe.weights);
  run_xe(&xe, root, &batch.view);
  check_weights(&table, xe.weights, json_object_get(root, "after_xe"));
  memcpy(policy.weights, xe.weights, table.total * sizeof(float));
  run_policy(&policy, root, &batch.view, "policy");
  check_weights(&table, policy.weights, json_object_get(root, "after_policy"));
  run_policy(&policy, root, &batch.view, "decoupled");
  check_weights(&table, policy.weights, json_object_get(root, "after_decoupled"));
  run_policy(&policy, root, &batch.view, "mixed");
  check_weights(&table, policy.weights, json_object_get(root, "after_mixed"));
  update_free(&xe), update_free(&policy);
  update_free(&policy);
  batch_free(&batch);
  params_free(&table);
  json_decref(root);
}

static void matches_golden(void **state) {
  (void)state;
  train_like_torch(3, 6, 22);
}

static void micro_batches_match_golden(void **state) {
  (void)state;
  train_like_torch(1, 2, 10); /* an image at a time */
  train_like_torch(3, 4, 16); /* two images, then one: cut by captions and by tokens */
}

/* --- a larger model: threads and failures ------------------------------------------------------------------------- */

enum { IMAGES = 6, GROUP = 4, MAX_LENGTH = 12, VOCABULARY = 517 };

typedef struct Bench {
  ParamTable table;
  Batch batch;
  Updater updater;
  float *log_mu, *log_ref;
  double advantage[IMAGES * GROUP];
} Bench;

static void bench_init(Bench *bench, int max_images) {
  ModelShape shape = {.vocabulary = VOCABULARY,
                      .width = 48,
                      .heads = 4,
                      .feed_forward = 96,
                      .encoder_layers = 1,
                      .decoder_layers = 2,
                      .cells = 9,
                      .features = 33,
                      .positions = MAX_LENGTH};
  gemm_init();
  assert_int_equal(params_init(&bench->table, &shape), OK);
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  options.learning_rate = 1e-3, options.weight_decay = 1e-4;
  update_init(&bench->updater, &bench->table, &options, max_images, max_images * GROUP,
              max_images * GROUP * MAX_LENGTH);
  params_initialise(&bench->table, 5, bench->updater.weights);
  batch_init(&bench->batch, &shape, IMAGES, IMAGES * GROUP, IMAGES * GROUP * MAX_LENGTH);
  for (int c = 0; c < IMAGES * GROUP; c++) {
    int32_t words[MAX_LENGTH];
    if (c % GROUP == 0) {
      float *slot = batch_add_image(&bench->batch, NULL);
      for (size_t i = 0; i < bench->batch.image_floats; i++) slot[i] = noise((uint32_t)(50 + c), (uint32_t)i);
    }
    for (int t = 0; t < MAX_LENGTH; t++)
      words[t] = (int32_t)((noise((uint32_t)(100 + c), (uint32_t)t) + 0.5f) * (VOCABULARY - 1));
    batch_add_caption(&bench->batch, words, 1 + c * 5 % MAX_LENGTH);
    bench->advantage[c] = (double)noise(7, (uint32_t)c);
  }
  size_t tokens = (size_t)bench->batch.view.tokens;
  bench->log_mu = xcalloc(tokens, sizeof(float)), bench->log_ref = xcalloc(tokens, sizeof(float));
  update_logp(&bench->updater, bench->updater.weights, &bench->batch.view, 1, bench->log_ref);
  for (size_t t = 0; t < tokens; t++) bench->log_mu[t] = bench->log_ref[t] + 0.5f * noise(8, (uint32_t)t);
}

static void bench_free(Bench *bench) {
  update_free(&bench->updater);
  batch_free(&bench->batch);
  params_free(&bench->table);
  free(bench->log_mu), free(bench->log_ref);
}

static Status bench_policy(Bench *bench, ObjectiveSums *sums, uint32_t step) {
  RolloutTerms terms = {.log_mu = bench->log_mu, .log_ref = bench->log_ref, .advantage = bench->advantage};
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.entropy_bonus = 0.01;
  Dropout dropout = {.rate = 0.1f, .seed = 3, .step = step};
  double norm;
  return update_policy(&bench->updater, &bench->batch.view, &terms, &options, 0.9f, &dropout, 1, sums, &norm);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  float *first = NULL;
  ObjectiveSums wanted = {0};
  for (int threads = 1; threads <= 3; threads++) {
    Bench bench;
    omp_set_num_threads(threads);
    bench_init(&bench, 4);
    ObjectiveSums sums = {0};
    for (uint32_t s = 0; s < 3; s++) {
      Dropout dropout = {.rate = 0.1f, .seed = 2, .step = s};
      XeReport report;
      assert_int_equal(update_xe(&bench.updater, &bench.batch.view, 0.1, &dropout, 1, &report), OK);
      assert_int_equal(bench_policy(&bench, &sums, s), OK);
    }
    if (first) {
      assert_memory_equal(first, bench.updater.weights, bench.table.total * sizeof(float));
      assert_memory_equal(&wanted, &sums, sizeof sums);
    } else {
      first = xmalloc(bench.table.total * sizeof(float));
      memcpy(first, bench.updater.weights, bench.table.total * sizeof(float));
      wanted = sums;
    }
    bench_free(&bench);
  }
  free(first);
}

static void loss_falls_on_one_batch(void **state) {
  (void)state;
  omp_set_num_threads(1);
  Bench bench;
  bench_init(&bench, IMAGES);
  XeReport first = {0}, report = {0};
  for (int s = 0; s < 40; s++) {
    assert_int_equal(update_xe(&bench.updater, &bench.batch.view, 0, NULL, 1, &report), OK);
    if (s == 0) first = report;
  }
  assert_true(report.loss < 0.5 * first.loss);
  assert_true(report.loss == report.nll);
  float *logp = xmalloc((size_t)bench.batch.view.tokens * sizeof *logp);
  update_logp(&bench.updater, bench.updater.weights, &bench.batch.view, 1, logp);
  double nll = 0;
  for (int t = 0; t < report.tokens; t++) nll -= (double)logp[t] / report.tokens;
  assert_true(nll < report.nll);
  free(logp);
  bench_free(&bench);
}

static void failure_changes_nothing(void **state) {
  (void)state;
  omp_set_num_threads(1);
  Bench bench;
  bench_init(&bench, 2);
  size_t bytes = bench.table.total * sizeof(float);
  float *kept = xmalloc(bytes);
  memcpy(kept, bench.updater.weights, bytes);
  ObjectiveSums sums = {0};
  bench.log_mu[bench.batch.view.tokens - 1] = NAN; /* in the last micro-batch */
  assert_int_equal(bench_policy(&bench, &sums, 0), FAILED);
  assert_non_null(strstr(status_message(), "log mu"));
  assert_true(sums.steps == 0 && sums.tokens == 0);
  XeReport report;
  bench.batch.features[0] = NAN;
  assert_int_equal(update_xe(&bench.updater, &bench.batch.view, 0, NULL, 1, &report), FAILED);
  assert_memory_equal(kept, bench.updater.weights, bytes);
  for (size_t i = 0; i < bench.table.total; i++) assert_true(bench.updater.gradients[i] == 0);
  assert_true(bench.updater.optimizer.step == 0);
  free(kept);
  bench_free(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_golden),
      cmocka_unit_test(micro_batches_match_golden),
      cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(loss_falls_on_one_batch),
      cmocka_unit_test(failure_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
