/* The objective against PyTorch's autograd: every form, level, aggregation and KL estimator. */
#include "learner/objective.h"

#include <string.h>

#include "learner/advantage.h"
#include "learner/names.h"
#include "tests/unit/learner/golden.h"

enum { CAPTIONS = 16, TOKENS = 160 };

/* A golden data set as the objective's input. */
typedef struct Sample {
  float *logp, *log_mu, *log_ref, *log_prox, *entropy;
  int32_t caption_start[CAPTIONS + 1];
  double advantage[CAPTIONS];
  ObjectiveInput input;
} Sample;

static void sample_init(Sample *sample, const json_t *data, const char *kind) {
  *sample = (Sample){.logp = floats(data, "logp"),
                     .log_mu = floats(data, "log_mu"),
                     .log_ref = floats(data, "log_ref"),
                     .log_prox = floats(data, "log_prox"),
                     .entropy = floats(data, "entropy")};
  int captions, groups, group = (int)number(data, "group");
  double *lengths = numbers(json_object_get(data, "lengths"), &captions);
  double *rewards = numbers(json_object_get(data, "rewards"), &captions);
  double *greedy = numbers(json_object_get(data, "greedy"), &groups);
  AdvantageOptions options = ADVANTAGE_DEFAULTS;
  options.kind = (AdvantageKind)names_find(advantage_names, kind);
  assert_true(captions <= CAPTIONS);
  for (int c = 0; c < captions; c++) sample->caption_start[c + 1] = sample->caption_start[c] + (int32_t)lengths[c];
  assert_true(sample->caption_start[captions] <= TOKENS);
  for (int g = 0; g < groups; g++)
    advantage_group(&options, group, rewards + g * group, greedy[g], sample->advantage + g * group);
  sample->input = (ObjectiveInput){.captions = captions,
                                   .caption_start = sample->caption_start,
                                   .logp = sample->logp,
                                   .log_mu = sample->log_mu,
                                   .log_prox = sample->log_prox,
                                   .log_ref = sample->log_ref,
                                   .entropy = sample->entropy,
                                   .advantage = sample->advantage};
  free(lengths), free(rewards), free(greedy);
}

static void sample_free(Sample *sample) {
  free(sample->logp), free(sample->log_mu), free(sample->log_ref), free(sample->log_prox), free(sample->entropy);
}

static ObjectiveScale sample_scale(const Sample *sample) {
  return (ObjectiveScale){.tokens = sample->caption_start[sample->input.captions], .captions = sample->input.captions};
}

static int option_named(const json_t *one, const json_t *defaults, const char *key, const char *const *names) {
  const json_t *value = json_object_get(one, key);
  int named = names_find(names, json_string_value(value ? value : json_object_get(defaults, key)));
  assert_true(named >= 0);
  return named;
}

static double option_number(const json_t *one, const json_t *defaults, const char *key) {
  return number(json_object_get(one, key) ? one : defaults, key);
}

static ObjectiveOptions case_options(const json_t *one, const json_t *defaults) {
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.form = (ObjectiveForm)option_named(one, defaults, "form", objective_form_names);
  options.level = (ObjectiveLevel)option_named(one, defaults, "level", objective_level_names);
  options.aggregation = (Aggregation)option_named(one, defaults, "aggregation", aggregation_names);
  options.kl = (KlKind)option_named(one, defaults, "kl", kl_names);
  options.beta = option_number(one, defaults, "beta");
  options.eps_low = option_number(one, defaults, "eps_low");
  options.eps_high = option_number(one, defaults, "eps_high");
  options.entropy_bonus = option_number(one, defaults, "entropy_bonus");
  options.importance_cap = option_number(one, defaults, "importance_cap");
  options.max_length = (int)option_number(one, defaults, "max_length");
  return options;
}

static void check_means(const ObjectiveMeans *means, const json_t *metrics, int at) {
  assert_close(means->kl, number(metrics, "kl"), 1e-8, 1e-12, "kl", at);
  assert_close(means->entropy, number(metrics, "entropy"), 1e-8, 1e-12, "entropy", at);
  assert_close(means->ratio_mean, number(metrics, "ratio_mean"), 1e-8, 0, "ratio_mean", at);
  assert_close(means->ratio_max, number(metrics, "ratio_max"), 1e-8, 0, "ratio_max", at);
  assert_close(means->clip_low, number(metrics, "clip_low"), 1e-8, 0, "clip_low", at);
  assert_close(means->clip_high, number(metrics, "clip_high"), 1e-8, 0, "clip_high", at);
}

static void matches_golden(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "objective.json"), *defaults = json_object_get(root, "defaults"), *one;
  size_t at;
  int clipped = 0;
  json_array_foreach(json_object_get(root, "cases"), at, one) {
    Sample sample;
    sample_init(&sample, json_array_get(json_object_get(root, "data"), (size_t)number(one, "data")),
                json_string_value(json_object_get(one, "advantage")));
    ObjectiveOptions options = case_options(one, defaults);
    ObjectiveScale scale = sample_scale(&sample);
    ObjectiveSums sums = {.steps = 1};
    float d_logp[TOKENS], d_entropy[TOKENS];
    assert_int_equal(objective_evaluate(&options, &sample.input, &scale, d_logp, d_entropy, &sums), OK);
    ObjectiveMeans means = objective_means(&sums);
    assert_close(means.loss, number(one, "loss"), 1e-8, 1e-9, "loss", at);
    int count;
    double *want = numbers(json_object_get(one, "d_logp"), &count);
    assert_int_equal(count, (int)scale.tokens);
    for (int t = 0; t < count; t++) assert_close(d_logp[t], want[t], 2e-7, 1e-9, "d_logp", 1000 * (int)at + t);
    free(want);
    if (options.entropy_bonus != 0) {
      want = numbers(json_object_get(one, "d_entropy"), &count);
      for (int t = 0; t < count; t++) assert_close(d_entropy[t], want[t], 2e-7, 0, "d_entropy", 1000 * (int)at + t);
      free(want);
    }
    check_means(&means, json_object_get(one, "metrics"), (int)at);
    clipped += means.clip_low > 0 && means.clip_high > 0;
    sample_free(&sample);
  }
  assert_true(at >= 70 && clipped >= 27);
  json_decref(root);
}

/* Cut into two micro-batches with the whole's denominators, the sums and gradients are the whole's. */
static void micro_batches_add_up(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "objective.json"), *data = json_array_get(json_object_get(root, "data"), 0);
  for (int aggregation = 0; aggregation < AGGREGATIONS; aggregation++) {
    Sample sample;
    sample_init(&sample, data, "grpo");
    ObjectiveOptions options = OBJECTIVE_DEFAULTS;
    options.aggregation = (Aggregation)aggregation;
    ObjectiveScale scale = sample_scale(&sample);
    float whole[TOKENS], parts[TOKENS];
    ObjectiveSums one = {0}, two = {0}, second = {0};
    assert_int_equal(objective_evaluate(&options, &sample.input, &scale, whole, NULL, &one), OK);
    ObjectiveInput first = sample.input, rest = sample.input;
    first.captions = 5;
    rest.captions -= 5, rest.caption_start += 5, rest.advantage += 5;
    assert_int_equal(objective_evaluate(&options, &first, &scale, parts, NULL, &two), OK);
    assert_int_equal(objective_evaluate(&options, &rest, &scale, parts, NULL, &second), OK);
    objective_sums_add(&two, &second);
    assert_memory_equal(whole, parts, (size_t)scale.tokens * sizeof(float));
    assert_close(two.loss, one.loss, 1e-13, 0, "loss", aggregation);
    assert_close(two.kl, one.kl, 1e-13, 0, "kl", aggregation);
    assert_true(two.tokens == one.tokens && two.captions == one.captions && two.clip_low == one.clip_low);
    assert_true(two.ratio_max == one.ratio_max && two.clip_high == one.clip_high);
    assert_true(two.away_max == one.away_max && fabs(two.away - one.away) <= 1e-12 * one.away && one.away_max > 0);
    sample_free(&sample);
  }
  json_decref(root);
}

/* Without recorded mu the ratio is 1 and the gradient is the plain policy gradient. */
static void ratio_is_one_without_mu(void **state) {
  (void)state;
  const int32_t start[] = {0, 2, 3};
  const float logp[] = {-1, -2, -3};
  const double advantage[] = {1.5, -0.5};
  ObjectiveInput input = {.captions = 2, .caption_start = start, .logp = logp, .advantage = advantage};
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.beta = 0;
  ObjectiveScale scale = {.tokens = 3, .captions = 2};
  ObjectiveSums sums = {.steps = 1};
  float d_logp[3];
  assert_int_equal(objective_evaluate(&options, &input, &scale, d_logp, NULL, &sums), OK);
  assert_close(d_logp[0], -0.5, 1e-7, 0, "d_logp", 0);
  assert_close(d_logp[2], 0.5 / 3, 1e-7, 0, "d_logp", 2);
  ObjectiveMeans means = objective_means(&sums);
  assert_true(means.ratio_mean == 1 && means.ratio_max == 1 && means.clip_low == 0 && means.clip_high == 0);
}

static void huge_ratios_stay_finite_and_are_counted(void **state) {
  (void)state;
  const int32_t start[] = {0, 1, 2};
  const float logp[] = {-1, -1}, mu[] = {-1e30f, -1e30f}, ref[] = {1e30f, -1e30f};
  const double advantage[] = {1, -1};
  for (int level = 0; level < OBJECTIVE_LEVELS; level++) {
    ObjectiveInput input = {
        .captions = 2, .caption_start = start, .logp = logp, .log_mu = mu, .log_ref = ref, .advantage = advantage};
    ObjectiveOptions options = OBJECTIVE_DEFAULTS;
    options.level = (ObjectiveLevel)level;
    ObjectiveScale scale = {.tokens = 2, .captions = 2};
    ObjectiveSums sums = {0};
    float d_logp[2];
    assert_int_equal(objective_evaluate(&options, &input, &scale, d_logp, NULL, &sums), OK);
    assert_true(isfinite(sums.loss) && isfinite(d_logp[0]) && isfinite(d_logp[1]));
    assert_true(d_logp[1] > 1e8); /* a bad caption far above mu is pushed down, not forgotten */
    assert_true(sums.clamped == 2 && sums.ratio_max == exp(OBJECTIVE_LOG_RATIO_MAX));
  }
}

static void not_a_number_is_reported(void **state) {
  (void)state;
  const int32_t start[] = {0, 1, 3};
  float logp[] = {-1, -1, -1}, mu[] = {-1, -1, -1}, ref[] = {-1, -1, -1}, d_logp[3];
  double advantage[] = {1, -1};
  ObjectiveInput input = {
      .captions = 2, .caption_start = start, .logp = logp, .log_mu = mu, .log_ref = ref, .advantage = advantage};
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  ObjectiveScale scale = {.tokens = 3, .captions = 2};
  ObjectiveSums sums = {0};
  const float bad[] = {NAN, INFINITY, -INFINITY};
  float *columns[] = {logp, mu, ref};
  for (int c = 0; c < 3; c++)
    for (int b = 0; b < 3; b++) {
      columns[c][2] = bad[b];
      assert_int_equal(objective_evaluate(&options, &input, &scale, d_logp, NULL, &sums), FAILED);
      assert_non_null(strstr(status_message(), "caption 1, token 1"));
      columns[c][2] = -1;
    }
  advantage[0] = NAN;
  assert_int_equal(objective_evaluate(&options, &input, &scale, d_logp, NULL, &sums), FAILED);
  assert_non_null(strstr(status_message(), "caption 0"));
  assert_non_null(strstr(status_message(), "advantage"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_golden),           cmocka_unit_test(micro_batches_add_up),
      cmocka_unit_test(ratio_is_one_without_mu),  cmocka_unit_test(huge_ratios_stay_finite_and_are_counted),
      cmocka_unit_test(not_a_number_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
