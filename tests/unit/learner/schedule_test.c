/* Schedules against torch's own schedulers. */
#include "learner/schedule.h"

#include "learner/names.h"
#include "tests/unit/learner/golden.h"

static void matches_golden(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "schedule.json"), *one;
  size_t at;
  json_array_foreach(json_object_get(root, "cases"), at, one) {
    int count, kind = names_find(schedule_names, json_string_value(json_object_get(one, "kind")));
    assert_true(kind >= 0);
    ScheduleOptions options = {(ScheduleKind)kind, number(one, "warmup"), number(one, "final")};
    double *want = numbers(json_object_get(one, "multipliers"), &count);
    assert_int_equal(count, (int)number(one, "steps"));
    for (int k = 0; k < count; k++)
      assert_close(schedule_multiplier(&options, k, count), want[k], 1e-10, 1e-12, "multiplier", 100 * (int)at + k);
    free(want);
  }
  assert_true(at == 12);
  json_decref(root);
}

static void ends_and_edges(void **state) {
  (void)state;
  ScheduleOptions cosine = {SCHEDULE_COSINE, 0.1, 0.25}, constant = {SCHEDULE_CONSTANT, 0, 0};
  ScheduleOptions seventh = {SCHEDULE_COSINE, 0.07, 0}; /* 0.07 x 100 is 7.000000000000001 in double: 7 steps, not 8 */
  assert_close(schedule_multiplier(&seventh, 6, 100), 1, 1e-15, 0, "last warm-up step", 6);
  assert_close(schedule_multiplier(&cosine, 2, 30), 1, 1e-15, 0, "last warm-up step", 2);
  assert_close(schedule_multiplier(&cosine, 3, 30), 1, 1e-15, 0, "first step after it", 3);
  assert_close(schedule_multiplier(&cosine, 30, 30), 0.25, 1e-15, 0, "past the end", 30);
  assert_close(schedule_multiplier(&cosine, 1000, 30), 0.25, 1e-15, 0, "past the end", 1000);
  assert_close(schedule_multiplier(&constant, 0, 1), 1, 0, 0, "constant", 0);
  ScheduleOptions all = {SCHEDULE_LINEAR, 1, 0};
  assert_close(schedule_multiplier(&all, 9, 10), 1, 1e-15, 0, "nothing but warm-up", 9);
  assert_close(schedule_multiplier(&all, 10, 10), 0, 0, 1e-15, "past it", 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(matches_golden), cmocka_unit_test(ends_and_edges)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
