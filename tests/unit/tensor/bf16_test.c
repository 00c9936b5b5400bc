/* Products in bfloat16 against plain loops in double precision over rounded operands, around the edges of panels, tiles
 * and blocks, on this processor and by the portable code; equal bits in any company and on any number of threads. */
#include "common/tensor/bf16.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/tensor/gemm.h"

static float value(int i) { return (float)((unsigned)i * 7919u % 1009u) / 1009.0f - 0.5f; }

/* 8 bits of significand, ties to even: by arithmetic in double, not by bits. */
static double rounded(float x) {
  int exponent;
  frexp((double)x, &exponent);
  return ldexp(nearbyint(ldexp((double)x, 8 - exponent)), exponent - 8);
}

typedef struct Case {
  bool transpose_a, transpose_b, add;
  int m, n, k, lda, ldb, ldc;
  float *a, *b, *c;
} Case;

static float *values(int count, int step) {
  float *x = malloc((size_t)count * sizeof *x);
  for (int i = 0; i < count; i++) x[i] = value(step * i + step);
  return x;
}

static Case case_make(int transposed, bool add, int m, int n, int k) {
  Case c = {.transpose_a = transposed & 1, .transpose_b = transposed & 2, .add = add, .m = m, .n = n, .k = k};
  c.lda = (c.transpose_a ? m : k) + 3, c.ldb = (c.transpose_b ? k : n) + 1, c.ldc = n + 2;
  /* not one float behind the last element: nothing more may be read */
  c.a = values((c.transpose_a ? k : m) * c.lda - 3, 1), c.b = values((c.transpose_b ? n : k) * c.ldb - 1, 3);
  c.c = values(m * c.ldc, 5);
  for (int i = 0; !add && i < m * c.ldc; i++) c.c[i] = NAN; /* must not be read */
  return c;
}

static void case_free(Case *c) { free(c->a), free(c->b), free(c->c); }

static void multiply(Case *c) {
  bf16_gemm(c->transpose_a, c->transpose_b, c->m, c->n, c->k, c->a, c->lda, c->b, c->ldb, c->add, c->c, c->ldc);
}

static double wanted(const Case *c, int i, int j) {
  double sum = c->add ? (double)value(5 * (i * c->ldc + j) + 5) : 0;
  for (int l = 0; l < c->k; l++)
    sum += rounded(c->a[c->transpose_a ? l * c->lda + i : i * c->lda + l]) *
           rounded(c->b[c->transpose_b ? j * c->ldb + l : l * c->ldb + j]);
  return sum;
}

static void case_check(int transposed, int m, int n, int k) {
  Case one = case_make(transposed, transposed & 1, m, n, k), three = case_make(transposed, transposed & 1, m, n, k);
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  multiply(&one);
  omp_set_num_threads(3);
  multiply(&three);
  omp_set_num_threads(before);
  for (int i = 0; i < m; i++) {
    assert_memory_equal(one.c + i * one.ldc, three.c + i * one.ldc, (size_t)n * sizeof(float));
    for (int j = i % 7; j < n; j += 1 + (m > 90 ? n / 31 : 0)) {
      double want = wanted(&one, i, j), difference = fabs((double)one.c[i * one.ldc + j] - want);
      if (!(difference <= 1e-5 * (1 + fabs(want))))
        fail_msg("%d %d of %d %d %d: %g from %g", i, j, m, n, k, difference, want);
    }
  }
  case_free(&one), case_free(&three);
}

static void equals_loops(void **state) {
  (void)state;
  const int shapes[][3] = {{1, 1, 1},    {1, 32, 2},     {14, 32, 32},  {15, 33, 31},   {13, 47, 33},
                           {29, 65, 64}, {16, 16, 2049}, {170, 40, 70}, {90, 30, 1100}, {3, 4100, 5}};
  for (int portable = 0; portable < 2; portable++) {
    bf16_portable_set(portable);
    if (portable) assert_string_equal(bf16_name(), "portable");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      for (int transposed = 0; transposed < 4; transposed++)
        case_check(transposed, shapes[s][0], shapes[s][1], shapes[s][2]);
  }
  bf16_portable_set(false);
}

/* What decoding needs: a row's bits are its own, and those of the learner's form. */
static void same_bits_in_any_company(void **state) {
  (void)state;
  enum { M = 61, N = 70, K = 2100 };
  Case c = case_make(2, false, M, N, K);
  multiply(&c);
  uint32_t *packed = aligned_alloc(64, (bf16_words(N, K) * sizeof *packed + 63) / 64 * 64);
  bf16_pack(true, N, K, c.b, c.ldb, packed);
  float *y = malloc(M * N * sizeof *y);
  for (int rows = 1; rows <= M; rows += 6) {
    bf16_product(rows, N, K, c.a, c.lda, packed, y, N);
    for (int i = 0; i < rows; i++) assert_memory_equal(y + i * N, c.c + i * c.ldc, N * sizeof *y);
  }
  int alike = 0; /* of several decoders at once */
#pragma omp parallel for num_threads(3) reduction(+ : alike)
  for (int t = 0; t < 3; t++) {
    Case own = case_make(2, false, M, N, K);
    multiply(&own);
    uint32_t *again = aligned_alloc(64, (bf16_words(N, K) * sizeof *again + 63) / 64 * 64);
    bf16_pack(true, N, K, own.b, own.ldb, again);
    alike += memcmp(again, packed, bf16_words(N, K) * sizeof *again) == 0;
    for (int i = 0; i < M; i++) alike += memcmp(own.c + i * own.ldc, c.c + i * c.ldc, N * sizeof(float)) == 0;
    free(again);
    case_free(&own);
  }
  assert_int_equal(alike, 3 * (M + 1));
  free(packed), free(y);
  case_free(&c);
}

static float product_of(float a, float b) {
  float c;
  bf16_gemm(false, false, 1, 1, 1, &a, 1, &b, 1, false, &c, 1);
  return c;
}

static void rounds_ties_to_even_and_keeps_nan(void **state) {
  (void)state;
  for (int portable = 0; portable < 2; portable++) {
    bf16_portable_set(portable);
    assert_true(product_of(0x1.01p0f, 1) == 1 && product_of(0x1.03p0f, 1) == 0x1.04p0f); /* halfway */
    assert_true(product_of(0x1.010002p0f, 1) == 0x1.02p0f && product_of(-3, 0x1.fp-100f) == -0x1.74p-98f);
    uint32_t bits = 0x7fffffffu; /* rounding its bits as a number's would make it 0 */
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(product_of(nan, 1)) && isnan(product_of(1, nan)) && isnan(product_of(INFINITY, 0)));
    assert_true(product_of(INFINITY, 2) == INFINITY && product_of(3e38f, 1) < INFINITY);
  }
  bf16_portable_set(false);
}

/* gemm_tiled goes by the precision that is set, gemm does not. */
static void precision_is_of_gemm_tiled(void **state) {
  (void)state;
  const float a = 0x1.01p0f, b = 1;
  float tiled, plain;
  gemm_init();
  for (int p = 0; p < 2; p++) {
    gemm_precision_set(p ? PRECISION_BF16 : PRECISION_FLOAT32);
    gemm_tiled(false, false, 1, 1, 1, 1, &a, 1, &b, 1, 0, &tiled, 1);
    gemm(false, false, 1, 1, 1, 1, &a, 1, &b, 1, 0, &plain, 1);
    assert_true(tiled == (p ? 1 : a) && plain == a);
    assert_int_equal(strstr(gemm_name(), "bf16") != NULL, p);
  }
  gemm_precision_set(PRECISION_FLOAT32);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equals_loops), cmocka_unit_test(same_bits_in_any_company),
                                     cmocka_unit_test(rounds_ties_to_even_and_keeps_nan),
                                     cmocka_unit_test(precision_is_of_gemm_tiled)};
  return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
