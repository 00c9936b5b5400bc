/* vec_exp and GELU against libm in double precision, on and off the ordinary range. */
#include "common/tensor/vecmath.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void exp_within_two_ulp(void **state) {
  (void)state;
  for (int i = -2100000; i <= 1780000; i++) {
    float x = (float)i * 5e-5f;
    double want = exp((double)x), got = (double)vec_exp(x);
    double ulp = fmax(want * 0x1p-23, 0x1p-149); /* between half and one ulp, or the spacing of denormals */
    assert_true(want > 3.4028235e38 ? isinf(got) || got > 3.4e38 : fabs(got - want) <= 2 * ulp);
  }
}

static void exp_of_the_extremes(void **state) {
  (void)state;
  assert_true(vec_exp(0.0f) == 1.0f && vec_exp(-0.0f) == 1.0f);
  assert_true(vec_exp(-INFINITY) == 0.0f && vec_exp(-1e30f) == 0.0f && vec_exp(-105.0f) == 0.0f);
  assert_true(vec_exp(INFINITY) == INFINITY && vec_exp(1e30f) == INFINITY);
  assert_true(isnan(vec_exp(NAN)));
  assert_true(vec_exp(-103.0f) > 0.0f); /* denormal */
}

static void exp_in_a_vector_loop(void **state) {
  (void)state;
  float x[67], y[67];
  for (int i = 0; i < 67; i++) x[i] = (float)i * 2.9f - 100;
  x[3] = -INFINITY, x[5] = NAN, x[7] = INFINITY;
#pragma omp simd
  for (int i = 0; i < 67; i++) y[i] = vec_exp(x[i]);
  for (int i = 0; i < 67; i++) {
    if (i == 5) assert_true(isnan(y[i]));
    else assert_true(y[i] == vec_exp(x[i]));
  }
}

static void gelu_and_slope(void **state) {
  (void)state;
  for (int i = -120000; i <= 120000; i++) {
    float x = (float)i * 1e-4f;
    double wide = (double)x, phi = 0.5 * erfc(-wide / sqrt(2)), density = exp(-wide * wide / 2) / sqrt(2 * acos(-1));
    assert_true(fabs((double)vec_gelu(x) - wide * phi) <= 4e-7 * (1 + fabs(wide)));
    assert_true(fabs((double)vec_gelu_slope(x) - (phi + wide * density)) <= 4e-7 * (1 + fabs(wide)));
  }
  assert_true(isnan(vec_gelu(NAN)) && isnan(vec_gelu_slope(NAN)));
  assert_true(fabsf(vec_gelu(-50.0f)) <= 1e-5f && vec_gelu(50.0f) == 50.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exp_within_two_ulp),
      cmocka_unit_test(exp_of_the_extremes),
      cmocka_unit_test(exp_in_a_vector_loop),
      cmocka_unit_test(gelu_and_slope),
  };
  return cmocka_run_group_tests_name("vecmath", tests, NULL, NULL);
}
