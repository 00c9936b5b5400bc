/* Advantages against PyTorch, and groups that say nothing. */
#include "learner/advantage.h"

#include "learner/names.h"
#include "tests/unit/learner/golden.h"

static void matches_golden(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "objective.json"), *data, *expected = json_object_get(root, "advantages"), *want;
  size_t d;
  const char *kind;
  int checked = 0;
  json_array_foreach(json_object_get(root, "data"), d, data) {
    int captions, groups, group = (int)number(data, "group");
    double *rewards = numbers(json_object_get(data, "rewards"), &captions);
    double *greedy = numbers(json_object_get(data, "greedy"), &groups), got[64] = {0};
    json_object_foreach(json_array_get(expected, d), kind, want) {
      AdvantageOptions options = ADVANTAGE_DEFAULTS;
      int named = names_find(advantage_names, kind);
      assert_true(named >= 0);
      options.kind = (AdvantageKind)named;
      for (int i = 0; i < groups; i++)
        advantage_group(&options, group, rewards + i * group, greedy[i], got + i * group);
      for (int c = 0; c < captions; c++, checked++)
        assert_close(got[c], json_number_value(json_array_get(want, (size_t)c)), 1e-9, 0, kind, c);
    }
    free(rewards), free(greedy);
  }
  assert_true(checked >= 60);
  json_decref(root);
}

static void degenerate_groups_are_zero_and_counted(void **state) {
  (void)state;
  double same[5] = {0.1, 0.1, 0.1, 0.1, 0.1}, near[3] = {1, 1 + 1e-5, 1 - 1e-5}, got[5];
  for (int kind = 0; kind < ADVANTAGE_SCST; kind++) {
    AdvantageOptions options = {.kind = (AdvantageKind)kind, .eps = 1e-5, .min_std = 1e-4};
    assert_true(advantage_group(&options, 5, same, 0, got).degenerate);
    for (int i = 0; i < 5; i++) assert_true(got[i] == 0);
    assert_true(advantage_group(&options, 3, near, 0, got).degenerate);
    for (int i = 0; i < 3; i++) assert_true(got[i] == 0);
    assert_true(advantage_group(&options, 1, same, 0, got).degenerate); /* no others to compare with */
    assert_true(got[0] == 0);
  }
  AdvantageOptions scst = {.kind = ADVANTAGE_SCST, .min_std = 1e-4};
  assert_false(advantage_group(&scst, 5, same, 0.3, got).degenerate); /* equal rewards, but not the greedy one's */
  assert_close(got[4], -0.2, 1e-12, 0, "scst", 4);
  assert_true(advantage_group(&scst, 5, same, 0.1, got).degenerate);
  assert_true(advantage_needs_greedy(ADVANTAGE_SCST) && !advantage_needs_greedy(ADVANTAGE_GRPO));
}

static void stats_are_stable_and_nan_stays(void **state) {
  (void)state;
  AdvantageOptions options = ADVANTAGE_DEFAULTS;
  double rewards[4] = {1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4}, got[4];
  GroupStats stats = advantage_group(&options, 4, rewards, 0, got);
  assert_close(stats.std, sqrt(1.25), 1e-12, 0, "std", 0); /* one-pass sums of squares would lose it */
  assert_close(stats.mean, 1e8 + 2.5, 1e-15, 0, "mean", 0);
  rewards[2] = NAN;
  stats = advantage_group(&options, 4, rewards, 0, got);
  assert_false(stats.degenerate);
  for (int i = 0; i < 4; i++) assert_true(isnan(got[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_golden),
      cmocka_unit_test(degenerate_groups_are_zero_and_counted),
      cmocka_unit_test(stats_are_stable_and_nan_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
