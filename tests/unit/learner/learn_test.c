/* Learn and stale: means and advantages of gathered rollouts; the update depends neither on who returned a chunk nor when; it can be
 * ended between steps; what earlier versions sampled or another reference scored is computed again. */
#include "learner/learn.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/model/policy.h"
#include "learner/ledger.h"
#include "learner/settings.h"
#include "learner/stale.h"
#include "tests/unit/tiny_dataset.h"

enum { IMAGES = 8, GROUP = 3, CHUNK = 2, LENGTH = 4 };

static const int32_t pictures[IMAGES] = {2, 3, 4, 5, 6, 7, 8, 9};

typedef struct World {
  Config config;
  Dataset dataset;
  ParamTable table;
  Updater updater;
  Learn learn;
  Ledger ledger;
} World;

static void world_init(World *w) {
  *w = (World){0};
  config_init(&w->config);
  const char *sets[] = {"model.d_model=16",          "model.heads=2",         "model.d_ff=32",
                        "policy.init=random",        "policy.group=3",        "policy.images_per_iteration=8",
                        "policy.minibatch_images=3", "policy.inner_epochs=2", "optimizer.lr=1e-2",
                        "model.max_length=8"};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) assert_int_equal(config_set(&w->config, sets[i]), OK);
  assert_int_equal(dataset_open(&w->dataset, tiny_path, false), OK);
  ModelShape shape = policy_shape(&w->config, &w->dataset);
  assert_int_equal(params_init(&w->table, &shape), OK);
  OptimizerOptions optimizer = settings_optimizer(&w->config.optimizer);
  update_init(&w->updater, &w->table, &optimizer, 3, 3 * GROUP, 3 * GROUP * 8);
  params_initialise(&w->table, 1, w->updater.weights);
  learn_init(&w->learn, &w->config, &w->dataset, &w->updater);
  ledger_init(&w->ledger, 0, 0);
}

static void world_free(World *w) {
  learn_free(&w->learn);
  learn_free(&w->learn);
  update_free(&w->updater);
  ledger_free(&w->ledger);
  params_free(&w->table);
  dataset_close(&w->dataset);
  config_free(&w->config);
}

/* Rewards 0, 1, 2 in each group but that of picture 2, whose captions are all worth 5; the last caption is unfinished. */
static Result answer(const Assignment *a) {
  Result r;
  int captions = a->images * GROUP;
  result_init(&r, a->images, captions, captions * LENGTH, COMPONENTS_MAX, true, false);
  result_name(&r, a);
  for (int i = 0; i <= a->images; i++) r.image_start[i] = i * GROUP;
  for (int c = 0; c <= captions; c++) r.caption_start[c] = c * LENGTH;
  for (int c = 0; c < captions; c++) {
    int picture = a->image[c / GROUP];
    r.finished[c] = c % GROUP != GROUP - 1;
    r.reward[c] = picture == 2 ? 5 : c % GROUP;
    r.component[(size_t)c * COMPONENTS_MAX] = 2 * r.reward[c];
    for (int t = 0; t < LENGTH; t++) {
      r.token[c * LENGTH + t] = WORDS_SPECIAL + (picture + c + t) % 5;
      r.logp[c * LENGTH + t] = r.reference_logp[c * LENGTH + t] = -2.5f;
    }
  }
  r.seconds[SECONDS_DECODE] = 1;
  return r;
}

/* Hands the iteration out and takes it back in rising or falling order of chunks. */
static void roll_out(World *w, bool falling) {
  enum { CHUNKS = IMAGES / CHUNK };
  static Assignment a[CHUNKS];
  ledger_open(&w->ledger, WORK_ROLLOUT, 0, 0, 0, pictures, IMAGES, CHUNK);
  for (int k = 0; k < CHUNKS; k++) assert_true(ledger_next(&w->ledger, 1 + k % 2, 0, &a[k]));
  for (int k = 0; k < CHUNKS; k++) {
    int chunk = falling ? CHUNKS - 1 - k : k;
    Result result = answer(&a[chunk]);
    assert_int_equal(ledger_return(&w->ledger, 1 + chunk % 2, 1, &result), LEDGER_ACCEPTED);
  }
  assert_true(ledger_complete(&w->ledger, WORK_ROLLOUT, 0));
}

/* As the trainer gathers the iteration in the ledger, seen by the update of `iteration`. */
static void gather(World *w, int64_t iteration, RolloutMeans *means) {
  enum { CHUNKS = IMAGES / CHUNK };
  const Result *results[CHUNKS];
  for (int k = 0; k < CHUNKS; k++) results[k] = ledger_result(&w->ledger, WORK_ROLLOUT, 0, k);
  learn_gather(&w->learn, results, CHUNKS, iteration, means);
}

static void means_and_advantages(void **state) {
  (void)state;
  static World w;
  world_init(&w);
  roll_out(&w, false);
  RolloutMeans means;
  gather(&w, 0, &means);
  assert_true(means.version_lag == 0 && means.version_lag_max == 0);
  assert_int_equal(w.learn.groups, IMAGES);
  assert_int_equal(w.learn.captions, IMAGES * GROUP);
  assert_true(fabs(means.reward - (5 + 7 * 1) / 8.0) <= 1e-12);
  assert_true(fabs(means.component[0] - 2 * means.reward) <= 1e-12);
  assert_true(fabs(means.reward_std - 7 * sqrt(2 / 3.0) / 8) <= 1e-12);
  assert_true(means.frac_reward_zero_std == 1 / 8.0);
  assert_true(means.length == LENGTH && fabs(means.clipped - 1 / 3.0) <= 1e-12);
  assert_true(isnan(means.baseline) && means.tokens == IMAGES * GROUP * LENGTH);
  assert_true(means.seconds[SECONDS_DECODE] == IMAGES / CHUNK);
  for (int g = 0; g < GROUP; g++) {
    assert_true(w.learn.advantage[g] == 0);
    assert_true(fabs(w.learn.advantage[GROUP + g] - (g - 1) / (sqrt(2 / 3.0) + 1e-5)) <= 1e-9);
  }
  world_free(&w);
}

/* Dynamic sampling: the group of picture 2 is left out and the others move up; the means are of all. */
static void groups_left_out(void **state) {
  (void)state;
  static World w;
  world_init(&w);
  assert_int_equal(config_set(&w.config, "policy.dynamic_sampling=true"), OK);
  roll_out(&w, false);
  RolloutMeans means;
  gather(&w, 0, &means);
  assert_true(means.groups == IMAGES && means.left_out == 1 && means.frac_reward_zero_std == 1 / 8.0);
  assert_true(means.captions == IMAGES * GROUP && means.decoded == IMAGES * GROUP);
  assert_true(fabs(means.reward - (5 + 7 * 1) / 8.0) <= 1e-12);
  assert_true(w.learn.groups == 7 && w.learn.captions == 7 * GROUP && w.learn.tokens == 7 * GROUP * LENGTH);
  for (int g = 0; g < 7; g++) {
    const Group *group = &w.learn.group[g];
    assert_int_equal(group->result->image[group->index], pictures[g + 1]);
    assert_true(group->first_caption == g * GROUP && group->first_token == g * GROUP * LENGTH);
    assert_true(fabs(w.learn.advantage[g * GROUP] + 1 / (sqrt(2 / 3.0) + 1e-5)) <= 1e-9);
  }
  ObjectiveSums sums;
  double grad_norm, learning_rate;
  bool complete;
  assert_int_equal(learn_update(&w.learn, 0, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  assert_true(complete && sums.tokens == 2 * 7 * GROUP * LENGTH);
  world_free(&w);
}

/* policy.xe: the metric is the cross-entropy of the people's captions of the minibatches' pictures. */
static void cross_entropy_mixed_in(void **state) {
  (void)state;
  static World w;
  world_init(&w);
  assert_int_equal(config_set(&w.config, "policy.xe=0.5"), OK);
  learn_free(&w.learn);
  learn_init(&w.learn, &w.config, &w.dataset, &w.updater);
  w.updater.optimizer.options.learning_rate = 1e-9;
  roll_out(&w, false);
  RolloutMeans means;
  gather(&w, 0, &means);
  ObjectiveSums sums;
  double grad_norm, learning_rate, want = 0;
  bool complete;
  float logp[3 * GROUP * 8];
  assert_int_equal(learn_update(&w.learn, 0, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  int last = w.learn.truth.view.images; /* of the last minibatch: GROUP captions of each picture */
  assert_true(complete && last == 2 && w.learn.truth.view.captions == last * GROUP);
  update_logp(&w.updater, w.updater.weights, &w.learn.truth.view, 1, logp);
  for (int t = 0; t < w.learn.truth.view.tokens; t++) want -= (double)logp[t] / w.learn.truth.view.tokens;
  assert_true(fabs(objective_means(&sums).xe - want) <= 0.2 * want && want > 1); /* that minibatch against the mean */
  world_free(&w);
}

static int calls, calls_allowed;

static bool count(void *context) {
  (void)context;
  return ++calls < calls_allowed;
}

static bool update(World *w, int allowed) {
  ObjectiveSums sums;
  RolloutMeans means;
  double grad_norm, learning_rate;
  bool complete;
  calls = 0;
  calls_allowed = allowed;
  gather(w, 0, &means);
  assert_int_equal(learn_update(&w->learn, 0, 10, count, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  if (complete) {
    assert_true(grad_norm > 0 && fabs(learning_rate - 1e-2) <= 1e-12);
    assert_int_equal(sums.steps, 6);
  }
  return complete;
}

static void order_of_returns_does_not_matter(void **state) {
  (void)state;
  static World rising, falling;
  world_init(&rising);
  world_init(&falling);
  roll_out(&rising, false);
  roll_out(&falling, true);
  float first = rising.updater.weights[0];
  assert_true(update(&rising, 1000) && update(&falling, 1000));
  assert_true(rising.updater.weights[0] != first);
  assert_memory_equal(rising.updater.weights, falling.updater.weights, rising.table.total * sizeof(float));
  world_free(&rising);
  world_free(&falling);
}

static void update_can_be_ended(void **state) {
  (void)state;
  static World w;
  world_init(&w);
  roll_out(&w, false);
  assert_false(update(&w, 2)); /* two epochs of 3 + 3 + 2 images: 6 steps */
  assert_int_equal(calls, 2);
  assert_int_equal(w.updater.optimizer.step, 2);
  assert_true(update(&w, 6)); /* asked to end behind the last step: it is done */
  assert_int_equal(calls, 6);
  world_free(&w);
}

/* log-probabilities of the answers' captions under `weights`: all groups in one batch. */
static void expected_logp(World *w, const float *weights, float *logp) {
  int at;
  batch_clear(&w->learn.batch);
  for (int g = 0; g < 3; g++) assert_int_equal(learn_add_group(&w->learn, &w->learn.group[g], &at), OK);
  update_logp(&w->updater, weights, &w->learn.batch.view, 1, logp);
}

static void stale_terms_are_computed_again(void **state) {
  (void)state;
  enum { TOKENS = IMAGES * GROUP * LENGTH, SOME = 3 * GROUP * LENGTH };
  static World w;
  world_init(&w);
  roll_out(&w, false);
  float *reference = params_block(&w.table), want[SOME];
  params_initialise(&w.table, 2, reference);
  RolloutMeans means;
  gather(&w, 0, &means); /* on-policy: what the actors recorded */
  assert_int_equal(stale_compute(&w.learn, reference, 0), OK);
  assert_false(w.learn.stale);
  for (int t = 0; t < TOKENS; t++) assert_true(w.learn.log_prox[t] == -2.5f && w.learn.log_ref[t] == -2.5f);

  gather(&w, 2, &means); /* two versions and a reference later */
  assert_true(means.version_lag == 2 && means.version_lag_max == 2);
  assert_int_equal(stale_compute(&w.learn, reference, 1), OK);
  assert_true(w.learn.stale && w.learn.tokens == TOKENS);
  expected_logp(&w, w.updater.weights, want);
  assert_memory_equal(w.learn.log_prox, want, sizeof want);
  expected_logp(&w, reference, want);
  assert_memory_equal(w.learn.log_ref, want, sizeof want);
  for (int t = SOME; t < TOKENS; t++) assert_true(w.learn.log_prox[t] != -2.5f && w.learn.log_ref[t] != -2.5f);
  for (int t = 0; t < TOKENS; t++) assert_true(w.learn.log_mu[t] == -2.5f);

  assert_int_equal(config_set(&w.config, "policy.off_policy=clip_only"), OK);
  gather(&w, 2, &means);
  assert_int_equal(stale_compute(&w.learn, reference, 0), OK);
  assert_false(w.learn.stale);
  free(reference);
  world_free(&w);
}

/* An update that hardly moves, of rollouts that are `lag` versions old. */
static ObjectiveMeans corrected(const char *off_policy, int lag) {
  static World w;
  world_init(&w);
  assert_int_equal(config_set(&w.config, off_policy), OK);
  w.updater.optimizer.options.learning_rate = 1e-9;
  roll_out(&w, false);
  RolloutMeans means;
  gather(&w, lag, &means);
  assert_int_equal(stale_compute(&w.learn, w.updater.weights, 0), OK);
  ObjectiveSums sums;
  double grad_norm, learning_rate;
  bool complete;
  assert_int_equal(learn_update(&w.learn, 0, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  world_free(&w);
  return objective_means(&sums);
}

static void corrections(void **state) {
  (void)state;
  ObjectiveMeans decoupled = corrected("policy.off_policy=decoupled", 1), none = corrected("policy.off_policy=none", 1);
  ObjectiveMeans clip_only = corrected("policy.off_policy=clip_only", 1);
  assert_true(fabs(decoupled.ratio_mean - 1) <= 1e-4 && fabs(none.ratio_mean - 1) <= 1e-4); /* pi / prox */
  assert_true(fabs(clip_only.ratio_mean - 1) > 0.01);                                       /* pi / mu */
  assert_true(fabs(decoupled.loss - none.loss) > 1e-3);                                     /* prox / mu */
  /* on-policy they are the same */
  assert_true(corrected("policy.off_policy=decoupled", 0).loss == clip_only.loss);
  assert_true(corrected("policy.off_policy=none", 0).loss == clip_only.loss);
}

/* A loss that is not finite: the step changes nothing and is counted; too many in a row end the update, also from one
 * iteration to the next. */
static void non_finite_steps_are_left_out(void **state) {
  (void)state;
  static World w, clean;
  ObjectiveSums sums;
  RolloutMeans means;
  double grad_norm, learning_rate;
  bool complete;
  world_init(&w);
  roll_out(&w, false);
  gather(&w, 0, &means);
  w.learn.log_mu[0] = NAN; /* one caption of one group: one step in each of two epochs */
  assert_int_equal(learn_update(&w.learn, 0, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  assert_true(complete && w.learn.skips.count == 2 && sums.steps == 4 && w.updater.optimizer.step == 4);
  assert_true(isfinite(grad_norm) && isfinite(objective_means(&sums).loss));
  for (size_t i = 0; i < w.table.total; i++) assert_true(isfinite(w.updater.weights[i]));

  world_init(&clean);
  roll_out(&clean, false);
  gather(&clean, 0, &means);
  for (int t = 0; t < clean.learn.tokens; t++) clean.learn.log_mu[t] = INFINITY;
  size_t bytes = clean.table.total * sizeof(float);
  float *before = params_block(&clean.table);
  memcpy(before, clean.updater.weights, bytes);
  assert_int_equal(learn_update(&clean.learn, 0, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), OK);
  assert_true(complete && clean.learn.skips.count == 6 && grad_norm == 0);
  assert_int_equal(learn_update(&clean.learn, 1, 10, NULL, NULL, &sums, &grad_norm, &learning_rate, &complete), FAILED);
  assert_non_null(strstr(status_message(), "iteration 2, step 4 of 6: 10 optimiser steps in a row had to be left out"));
  assert_true(!complete && clean.updater.optimizer.step == 0);
  assert_memory_equal(before, clean.updater.weights, bytes);
  free(before);
  world_free(&clean);
  world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_and_advantages),
      cmocka_unit_test(groups_left_out),
      cmocka_unit_test(cross_entropy_mixed_in),
      cmocka_unit_test(order_of_returns_does_not_matter),
      cmocka_unit_test(update_can_be_ended),
      cmocka_unit_test(stale_terms_are_computed_again),
      cmocka_unit_test(corrections),
      cmocka_unit_test(non_finite_steps_are_left_out),
  };
  return cmocka_run_group_tests(tests, tiny_make, tiny_drop);
}
