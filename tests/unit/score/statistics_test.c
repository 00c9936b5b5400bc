/* Statistics: by hand where a hand can, and the bootstrap against what theory says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above first
#include <cmocka.h>
#include <math.h>

#include "common/base/rng.h"
#include "common/score/statistics.h"

static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance)) fail_msg("%.17g, not %.17g", value, expected);
}

static void mean_and_spread(void **state) {
  (void)state;
  assert_near(statistics_mean((double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8), 5, 1e-15);
  assert_near(statistics_spread((double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8), sqrt(32.0 / 7), 1e-15);
  assert_near(statistics_spread((double[]){0.5, 0.6, 0.7}, 3), 0.1, 1e-15);
  assert_near(statistics_mean((double[]){0.5}, 1), 0.5, 0);
  assert_near(statistics_spread((double[]){0.5}, 1), 0, 0);
}

static void equal_differences_leave_no_doubt(void **state) {
  (void)state;
  double low, high;
  statistics_bootstrap((double[]){0.25, 0.25, 0.25, 0.25}, 4, 1000, 0.95, 1, &low, &high);
  assert_near(low, 0.25, 0);
  assert_near(high, 0.25, 0);
  statistics_bootstrap((double[]){-3}, 1, 10, 0.95, 1, &low, &high);
  assert_near(low, -3, 0);
  assert_near(high, -3, 0);
}

/* Of two values, 0 and 1, the resampled mean is 0, 1/2, 1 with probability 1/4, 1/2, 1/4. */
static void small_sets_have_their_binomial(void **state) {
  (void)state;
  double low, high;
  statistics_bootstrap((double[]){0, 1}, 2, 10000, 0.4, 7, &low, &high); /* tails of .3 cut all of 0 and 1 */
  assert_near(low, 0.5, 0);
  assert_near(high, 0.5, 0);
  statistics_bootstrap((double[]){0, 1}, 2, 10000, 0.6, 7, &low, &high); /* tails of .2 do not */
  assert_near(low, 0, 0);
  assert_near(high, 1, 0);
}

/* For many pictures the interval is mean -+ 1.96 s / sqrt(n). */
static void large_sets_have_their_normal(void **state) {
  (void)state;
  enum { N = 400 };
  double value[N], low, high, again_low, again_high;
  for (int i = 0; i < N; i++) {
    RngKey key = {.seed = 3, .stage = RNG_TEST, .image = (uint32_t)i};
    value[i] = 0.3 + (double)rng_normal(&key);
  }
  double mean = statistics_mean(value, N), half = 1.96 * statistics_spread(value, N) / sqrt(N);
  statistics_bootstrap(value, N, 10000, 0.95, 1, &low, &high);
  assert_near(low, mean - half, 0.06 * half);
  assert_near(high, mean + half, 0.06 * half);
  statistics_bootstrap(value, N, 10000, 0.95, 1, &again_low, &again_high);
  assert_true(again_low == low && again_high == high);
  statistics_bootstrap(value, N, 10000, 0.95, 2, &again_low, &again_high);
  assert_true(again_low != low);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mean_and_spread), cmocka_unit_test(equal_differences_leave_no_doubt),
      cmocka_unit_test(small_sets_have_their_binomial), cmocka_unit_test(large_sets_have_their_normal)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
