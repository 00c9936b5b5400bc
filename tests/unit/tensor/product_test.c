/* Products by each kernel against plain loops in double precision over operands rounded as it rounds them, around the edges
 * of panels, tiles and blocks; equal bits in any company and on any number of threads. */
#include "common/tensor/product.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/tensor/bf16.h"
#include "common/tensor/float32.h"
#include "common/tensor/gemm.h"

/* float32's, bfloat16's of this processor, and its portable one. */
enum { KERNELS = 3 };
static const ProductKernel *kernel_of(int i) {
  bf16_portable_set(i == 2);
  const ProductKernel *bf16 = bf16_kernel();
  bf16_portable_set(false);
  return i ? bf16 : &float32_kernel;
}

static float value(int i) { return (float)((unsigned)i * 7919u % 1009u) / 1009.0f - 0.5f; }

/* 8 bits of significand, ties to even: by arithmetic in double, not by bits. */
static double rounded(const ProductKernel *kernel, float x) {
  if (kernel->elements == 1) return (double)x;
  int exponent;
  frexp((double)x, &exponent);
  return ldexp(nearbyint(ldexp((double)x, 8 - exponent)), exponent - 8);
}

typedef struct Case {
  const ProductKernel *kernel;
  bool transpose_a, transpose_b, add;
  int m, n, k, lda, ldb, ldc;
  float *a, *b, *c;
} Case;

static float *values(int count, int step) {
  float *x = malloc((size_t)count * sizeof *x);
  for (int i = 0; i < count; i++) x[i] = value(step * i + step);
  return x;
}

static Case case_make(const ProductKernel *kernel, int transposed, bool add, int m, int n, int k) {
  Case c = {.kernel = kernel, .transpose_a = transposed & 1, .transpose_b = transposed & 2, .add = add};
  c.m = m, c.n = n, c.k = k;
  c.lda = (c.transpose_a ? m : k) + 3, c.ldb = (c.transpose_b ? k : n) + 1, c.ldc = n + 2;
  /* not one float behind the last element: nothing more may be read */
  c.a = values((c.transpose_a ? k : m) * c.lda - 3, 1), c.b = values((c.transpose_b ? n : k) * c.ldb - 1, 3);
  c.c = values(m * c.ldc, 5);
  for (int i = 0; !add && i < m * c.ldc; i++) c.c[i] = NAN; /* must not be read */
  return c;
}

static void case_free(Case *c) { free(c->a), free(c->b), free(c->c); }

static void multiply(Case *c) {
  product(c->kernel, c->transpose_a, c->transpose_b, c->m, c->n, c->k, c->a, c->lda, c->b, c->ldb, c->add, c->c,
          c->ldc);
}

static double wanted(const Case *c, int i, int j) {
  double sum = c->add ? (double)value(5 * (i * c->ldc + j) + 5) : 0;
  for (int l = 0; l < c->k; l++)
    sum += rounded(c->kernel, c->a[c->transpose_a ? l * c->lda + i : i * c->lda + l]) *
           rounded(c->kernel, c->b[c->transpose_b ? j * c->ldb + l : l * c->ldb + j]);
  return sum;
}

static void case_check(const ProductKernel *kernel, int transposed, int m, int n, int k) {
  Case one = case_make(kernel, transposed, transposed & 1, m, n, k),
       three = case_make(kernel, transposed, transposed & 1, m, n, k);
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
  const int shapes[][3] = {{1, 1, 1},    {1, 32, 2},     {14, 32, 32},   {15, 33, 31},   {13, 47, 33},
                           {29, 65, 64}, {16, 16, 2049}, {170, 40, 70},  {90, 30, 1100}, {3, 4100, 5},
                           {6, 16, 512}, {73, 17, 513},  {97, 100, 1537}};
  for (int kernel = 0; kernel < KERNELS; kernel++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      for (int transposed = 0; transposed < 4; transposed++)
        case_check(kernel_of(kernel), transposed, shapes[s][0], shapes[s][1], shapes[s][2]);
  assert_string_equal(kernel_of(2)->name, "portable");
}

/* What decoding needs: a row's bits are its own, and those of the learner's form. */
static void same_bits_of(const ProductKernel *kernel) {
  enum { M = 61, N = 70, K = 2100 };
  Case c = case_make(kernel, 2, false, M, N, K);
  multiply(&c);
  size_t bytes = product_words(kernel, N, K) * sizeof(Word);
  Word *packed = aligned_alloc(64, (bytes + 63) / 64 * 64);
  product_pack(kernel, true, N, K, c.b, c.ldb, packed);
  float *y = malloc(M * N * sizeof *y);
  for (int rows = 1; rows <= M; rows += 6) {
    product_packed(kernel, rows, N, K, c.a, c.lda, packed, y, N);
    for (int i = 0; i < rows; i++) assert_memory_equal(y + i * N, c.c + i * c.ldc, N * sizeof *y);
  }
  int alike = 0; /* of several decoders at once */
#pragma omp parallel for num_threads(3) reduction(+ : alike)
  for (int t = 0; t < 3; t++) {
    Case own = case_make(kernel, 2, false, M, N, K);
    multiply(&own);
    Word *again = aligned_alloc(64, (bytes + 63) / 64 * 64);
    product_pack(kernel, true, N, K, own.b, own.ldb, again);
    alike += memcmp(again, packed, bytes) == 0;
    for (int i = 0; i < M; i++) alike += memcmp(own.c + i * own.ldc, c.c + i * c.ldc, N * sizeof(float)) == 0;
    free(again);
    case_free(&own);
  }
  assert_int_equal(alike, 3 * (M + 1));
  free(packed), free(y);
  case_free(&c);
}

static void same_bits_in_any_company(void **state) {
  (void)state;
  for (int kernel = 0; kernel < KERNELS; kernel++) same_bits_of(kernel_of(kernel));
}

static float product_of(const ProductKernel *kernel, float a, float b) {
  float c;
  product(kernel, false, false, 1, 1, 1, &a, 1, &b, 1, false, &c, 1);
  return c;
}

static void rounds_ties_to_even_and_keeps_nan(void **state) {
  (void)state;
  for (int i = 1; i < KERNELS; i++) {
    const ProductKernel *kernel = kernel_of(i);
    assert_true(product_of(kernel, 0x1.01p0f, 1) == 1 && product_of(kernel, 0x1.03p0f, 1) == 0x1.04p0f); /* halfway */
    assert_true(product_of(kernel, 0x1.010002p0f, 1) == 0x1.02p0f &&
                product_of(kernel, -3, 0x1.fp-100f) == -0x1.74p-98f);
    uint32_t bits = 0x7fffffffu; /* rounding its bits as a number's would make it 0 */
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(product_of(kernel, nan, 1)) && isnan(product_of(kernel, 1, nan)) &&
                isnan(product_of(kernel, INFINITY, 0)));
    assert_true(product_of(kernel, INFINITY, 2) == INFINITY && product_of(kernel, 3e38f, 1) < INFINITY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equals_loops), cmocka_unit_test(same_bits_in_any_company),
                                     cmocka_unit_test(rounds_ties_to_even_and_keeps_nan)};
  return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
