/* Register-blocked product: rows x 2 vectors of sums stay in registers over the whole depth. */
#include "common/model/small_product.h"

#include <string.h>

#include "common/base/status.h"
#include "common/tensor/lanes.h"

#ifdef __AVX512F__
enum { WIDE = 4 }; /* vectors of columns at a time: with SMALL_ROWS rows they fill the registers */
#else
enum { WIDE = 2 };
#endif

static inline __attribute__((always_inline)) void block_product(const int rows, const int vectors, int depth,
                                                                const float *a, int lda, const float *b, int ldb,
                                                                Lanes sums[SMALL_ROWS][WIDE]) {
  Lanes sum[SMALL_ROWS][WIDE];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = lanes_all(0);
  for (int k = 0; k < depth; k++) {
    Lanes right[WIDE];
    for (int v = 0; v < vectors; v++) right[v] = lanes_load(b + (long)k * ldb + v * LANES);
    for (int r = 0; r < rows; r++) {
      Lanes left = lanes_all(a[(long)r * lda + k]);
      for (int v = 0; v < vectors; v++) sum[r][v] = lanes_fma(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sums[r][v] = sum[r][v];
}

void small_product(int rows, int columns, int depth, const float *a, int lda, const float *b, int ldb, float *c,
                   int ldc) {
  CHECK(rows >= 1 && rows <= SMALL_ROWS);
  for (int j = 0, width; j < columns; j += width) {
    Lanes sums[SMALL_ROWS][WIDE];
    int left = columns - j, vectors = left > (WIDE - 1) * LANES ? WIDE : left > LANES ? 2 : 1;
    width = left < vectors * LANES ? left : vectors * LANES;
    switch (rows * 8 + vectors) {
#define CASE(n, v)                                        \
  case n * 8 + v:                                         \
    block_product(n, v, depth, a, lda, b + j, ldb, sums); \
    break
#define CASES(n) \
  CASE(n, 1);    \
  CASE(n, 2)
      CASES(1);
      CASES(2);
      CASES(3);
      CASES(4);
      CASES(5);
      CASES(6);
#ifdef __AVX512F__
      CASE(1, 4);
      CASE(2, 4);
      CASE(3, 4);
      CASE(4, 4);
      CASE(5, 4);
      CASE(6, 4);
#endif
#undef CASES
#undef CASE
    }
    for (int r = 0; r < rows; r++) memcpy(c + (long)r * ldc + j, sums[r], (size_t)width * sizeof *c);
  }
}
