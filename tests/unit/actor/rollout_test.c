/* Rollout: a chunk's result is whole, its parts agree with each other, and it does not depend on who makes it. */
#include "actor/rollout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/model/policy.h"
#include "tests/unit/tiny_dataset.h"

typedef struct World {
  Config config;
  Dataset dataset;
  ParamTable table;
  float *weights;
  Rollout rollout;
} World;

static void world_init(World *world, const char *setting) {
  *world = (World){0};
  config_init(&world->config);
  const char *sets[] = {
      "model.d_model=16",      "model.heads=2",      "model.d_ff=32",      "policy.init=random",      "policy.group=3",
      "actors.chunk_images=4", "model.max_length=8", "rewards.length=0.5", "rewards.length.target=3", setting};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) assert_int_equal(config_set(&world->config, sets[i]), OK);
  assert_int_equal(dataset_open(&world->dataset, tiny_path, true), OK);
  assert_int_equal(policy_initial(&world->config, &world->dataset, &world->table, &world->weights), OK);
  assert_int_equal(rollout_init(&world->rollout, &world->config, &world->dataset, &world->table), OK);
}

static void world_free(World *world) {
  rollout_free(&world->rollout);
  free(world->weights);
  params_free(&world->table);
  dataset_close(&world->dataset);
  config_free(&world->config);
}

static const Assignment chunk = {.work = WORK_ROLLOUT, .iteration = 7, .chunk = 2, .images = 3, .image = {2, 13, 35}};

static void result_is_whole(void **state) {
  (void)state;
  World world;
  world_init(&world, "rewards.include_eos=true");
  Result result;
  assert_int_equal(rollout_run(&world.rollout, &chunk, world.weights, world.weights, &result), OK);
  assert_true(result.iteration == 7 && result.chunk == 2 && result.images == 3 && result.captions == 9);
  assert_true(result.has_reference && !result.has_baseline);
  assert_int_equal(result.caption_start[9], result.tokens);
  for (int i = 0; i < 3; i++) assert_int_equal(result.image[i], chunk.image[i]);
  for (int c = 0; c < 9; c++) {
    int first = result.caption_start[c], end = result.caption_start[c + 1];
    assert_true(end > first && end - first <= 8);
    assert_int_equal(result.finished[c], result.token[end - 1] == TOKEN_END);
    const double *component = result.component + c * REWARD_COMPONENTS;
    double sum = component[REWARD_CIDER_D] + 0.5 * component[REWARD_LENGTH];
    assert_true(fabs(result.reward[c] - sum) < 1e-12);
    assert_true(component[REWARD_CIDER_D] >= 0 && component[REWARD_LENGTH] <= 0);
    for (int t = first; t < end; t++) {
      assert_true(result.token[t] >= TOKENS_SPECIAL || (result.token[t] == TOKEN_END && t == end - 1));
      assert_true(result.logp[t] < 0);
      /* the same weights as policy and as reference: decoding equals teacher forcing */
      assert_true(fabsf(result.logp[t] - result.reference_logp[t]) < 1e-4f);
    }
  }
  result_free(&result);
  world_free(&world);
}

static void result_does_not_depend_on_the_actor(void **state) {
  (void)state;
  World one, other;
  world_init(&one, "rewards.include_eos=true");
  world_init(&other, "rewards.include_eos=true");
  Assignment before = {.work = WORK_ROLLOUT, .iteration = 6, .images = 4, .image = {3, 4, 5, 6}};
  Result a, b, ignored;
  assert_int_equal(rollout_run(&one.rollout, &chunk, one.weights, one.weights, &a), OK);
  assert_int_equal(rollout_run(&other.rollout, &before, other.weights, other.weights, &ignored), OK);
  assert_int_equal(rollout_run(&other.rollout, &chunk, other.weights, other.weights, &b), OK);
  assert_int_equal(a.tokens, b.tokens);
  size_t tokens = (size_t)a.tokens;
  assert_memory_equal(a.token, b.token, tokens * sizeof(int32_t));
  assert_memory_equal(a.logp, b.logp, tokens * sizeof(float));
  assert_memory_equal(a.reference_logp, b.reference_logp, tokens * sizeof(float));
  assert_memory_equal(a.reward, b.reward, 9 * sizeof(double));
  result_free(&a);
  result_free(&b);
  result_free(&ignored);
  world_free(&one);
  world_free(&other);
}

static void scst_has_a_greedy_baseline(void **state) {
  (void)state;
  World world;
  world_init(&world, "policy.advantage=scst");
  Result result, greedy;
  assert_int_equal(rollout_run(&world.rollout, &chunk, world.weights, NULL, &result), OK);
  assert_true(result.has_baseline && !result.has_reference);
  Assignment evaluate = chunk;
  evaluate.work = WORK_EVALUATE;
  assert_int_equal(rollout_run(&world.rollout, &evaluate, world.weights, NULL, &greedy), OK);
  assert_true(greedy.captions == 3 && !greedy.has_baseline);
  for (int i = 0; i < 3; i++) { /* the baseline is the reward of what evaluation says */
    const int32_t *tokens = greedy.token + greedy.caption_start[i];
    int32_t length = greedy.caption_start[i + 1] - greedy.caption_start[i];
    bool finished = greedy.finished[i];
    double reward;
    reward_score(&world.rollout.reward, chunk.image[i], 1, &tokens, &length, &finished, &reward, NULL);
    assert_true(fabs(reward - result.baseline[i]) < 1e-12);
  }
  result_free(&result);
  result_free(&greedy);
  world_free(&world);
}

/* Rules and truncation hold for samples, baseline and evaluation; log mu stays what the reference pass computes. */
static void decoding_is_configured(void **state) {
  (void)state;
  World world;
  world_init(&world, "policy.advantage=scst");
  const char *sets[] = {"sampling.min_length=4", "sampling.no_repeat_ngram=1", "sampling.top_k=3", "evaluation.beam=4",
                        "evaluation.beam_groups=2"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) assert_int_equal(config_set(&world.config, sets[i]), OK);
  rollout_free(&world.rollout);
  assert_int_equal(rollout_init(&world.rollout, &world.config, &world.dataset, &world.table), OK);
  for (int work = WORK_ROLLOUT; work <= WORK_EVALUATE; work++) {
    Assignment assignment = chunk;
    Result result;
    assignment.work = (Work)work;
    assert_int_equal(rollout_run(&world.rollout, &assignment, world.weights, world.weights, &result), OK);
    assert_int_equal(result.captions, work == WORK_ROLLOUT ? 9 : 3);
    if (work == WORK_ROLLOUT) assert_true(result.kept_mass > 0 && result.kept_mass < 0.9);
    for (int c = 0; c < result.captions; c++) {
      int first = result.caption_start[c], end = result.caption_start[c + 1];
      assert_true(end - first > 4);
      for (int t = first; t < end; t++) {
        for (int u = first; u < t; u++) assert_int_not_equal(result.token[t], result.token[u]);
        if (work == WORK_ROLLOUT) assert_true(fabsf(result.logp[t] - result.reference_logp[t]) < 1e-4f);
      }
    }
    result_free(&result);
  }
  world_free(&world);
}

static void chunk_too_large_is_refused(void **state) {
  (void)state;
  World world;
  world_init(&world, "run.seed=1");
  Assignment large = {.work = WORK_ROLLOUT, .images = 5, .image = {2, 3, 4, 5, 6}};
  Result result;
  assert_int_equal(rollout_run(&world.rollout, &large, world.weights, world.weights, &result), FAILED);
  world_free(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(result_is_whole),
      cmocka_unit_test(decoding_is_configured),
      cmocka_unit_test(result_does_not_depend_on_the_actor),
      cmocka_unit_test(scst_has_a_greedy_baseline),
      cmocka_unit_test(chunk_too_large_is_refused),
  };
  return cmocka_run_group_tests(tests, tiny_make, tiny_drop);
}
