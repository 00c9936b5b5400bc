/* Matrix products: which go by the precision that is set. Their values: product_test.c. */
#include "common/tensor/gemm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* gemm_linear goes by the precision that is set, gemm does not. */
static void precision_is_of_gemm_linear(void **state) {
  (void)state;
  const float a = 0x1.01p0f, b = 1;
  float linear, plain;
  gemm_init();
  for (int p = 0; p < 2; p++) {
    gemm_precision_set(p ? PRECISION_BF16 : PRECISION_FLOAT32);
    gemm_linear(false, false, 1, 1, 1, &a, 1, &b, 1, false, &linear, 1);
    gemm(false, false, 1, 1, 1, 1, &a, 1, &b, 1, 0, &plain, 1);
    assert_true(linear == (p ? 1 : a) && plain == a);
    assert_int_equal(strstr(gemm_name(), "bf16") != NULL, p);
  }
  gemm_precision_set(PRECISION_FLOAT32);
}

static void empty_is_nothing(void **state) {
  (void)state;
  float c = 7;
  gemm_linear(false, false, 0, 1, 1, &c, 1, &c, 1, false, &c, 1);
  gemm_linear(false, false, 1, 0, 1, &c, 1, &c, 1, false, &c, 1);
  assert_true(c == 7 && gemm_name()[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(precision_is_of_gemm_linear), cmocka_unit_test(empty_is_nothing)};
  return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
