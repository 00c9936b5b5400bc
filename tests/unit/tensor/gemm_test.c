/* Matrix products: the tiled form against plain loops in double precision, for shapes around the tiles' edges. */
#include "common/tensor/gemm.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float value(int i) { return (float)((unsigned)i * 7919u % 1009u) / 1009.0f - 0.5f; }

static void tiled_check(bool transpose_a, bool transpose_b, int m, int n, int k, float beta) {
  int lda = (transpose_a ? m : k) + 3, ldb = (transpose_b ? k : n) + 1, ldc = n + 2;
  int a_size = lda * (transpose_a ? k : m), b_size = ldb * (transpose_b ? n : k), c_size = ldc * m;
  float *a = malloc((size_t)a_size * sizeof *a), *b = malloc((size_t)b_size * sizeof *b);
  float *c = malloc((size_t)c_size * sizeof *c), *again = malloc((size_t)c_size * sizeof *c);
  for (int i = 0; i < a_size; i++) a[i] = value(i);
  for (int i = 0; i < b_size; i++) b[i] = value(3 * i + 1);
  for (int i = 0; i < c_size; i++) c[i] = again[i] = beta == 0 ? NAN : value(5 * i + 2); /* beta 0 must not read C */
  gemm_tiled(transpose_a, transpose_b, m, n, k, 0.5f, a, lda, b, ldb, beta, c, ldc);
  for (int i = 0; i < m; i += 1 + m / 29) {
    for (int j = 0; j < n; j += 1 + n / 31) {
      double want = beta == 0 ? 0 : (double)beta * (double)value(5 * (i * ldc + j) + 2);
      for (int l = 0; l < k; l++)
        want += 0.5 * (double)a[transpose_a ? l * lda + i : i * lda + l] *
                (double)b[transpose_b ? j * ldb + l : l * ldb + j];
      assert_true(fabs((double)c[i * ldc + j] - want) <= 1e-5 * (1 + fabs(want)));
    }
  }
  int before = omp_get_max_threads();
  omp_set_num_threads(3);
  gemm_tiled(transpose_a, transpose_b, m, n, k, 0.5f, a, lda, b, ldb, beta, again, ldc);
  omp_set_num_threads(before);
  for (int i = 0; i < m; i++) assert_memory_equal(c + i * ldc, again + i * ldc, (size_t)n * sizeof *c);
  free(a), free(b), free(c), free(again);
}

static void tiled_equals_loops(void **state) {
  (void)state;
  gemm_init();
  const int shapes[][3] = {{1, 1, 1},     {5, 300, 7},   {480, 512, 20}, {481, 513, 20},
                           {961, 256, 3}, {17, 1100, 9}, {1500, 30, 11}, {700, 700, 40}};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int transposed = 0; transposed < 4; transposed++)
      tiled_check(transposed & 1, transposed & 2, shapes[s][0], shapes[s][1], shapes[s][2], (float)(transposed & 1));
}

static void empty_is_nothing(void **state) {
  (void)state;
  float c = 7;
  gemm_tiled(false, false, 0, 1, 1, 1, &c, 1, &c, 1, 0, &c, 1);
  gemm_tiled(false, false, 1, 0, 1, 1, &c, 1, &c, 1, 0, &c, 1);
  assert_true(c == 7 && gemm_name()[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tiled_equals_loops), cmocka_unit_test(empty_is_nothing)};
  return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
