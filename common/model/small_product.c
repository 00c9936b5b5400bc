/* Register-blocked product: rows x 2 vectors of sums stay in registers over the whole depth. */
#include "common/model/lanes.h"

#include "common/model/small_product.h"

#include <string.h>

#include "common/base/status.h"

static inline __attribute__((always_inline)) void block_product(const int rows, const int vectors, int depth,
                                                                const float *a, int lda, const float *b, int ldb,
                                                                Vector sums[SMALL_ROWS][2]) {
  Vector sum[SMALL_ROWS][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sum[r][v] = (Vector){0};
  for (int k = 0; k < depth; k++) {
    Vector right[2];
    for (int v = 0; v < vectors; v++) right[v] = *(const Vector *)(b + (long)k * ldb + v * LANES);
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < vectors; v++) sum[r][v] += a[(long)r * lda + k] * right[v];
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < vectors; v++) sums[r][v] = sum[r][v];
}

void small_product(int rows, int columns, int depth, const float *a, int lda, const float *b, int ldb, float *c, int ldc) {
  CHECK(rows >= 1 && rows <= SMALL_ROWS);
  for (int j = 0; j < columns; j += 2 * LANES) {
    Vector sums[SMALL_ROWS][2];
    int vectors = columns - j > LANES ? 2 : 1, width = columns - j < 2 * LANES ? columns - j : 2 * LANES;
#define CASE(n)                                                         \
  case n:                                                               \
    if (vectors == 2)                                                   \
      block_product(n, 2, depth, a, lda, b + j, ldb, sums);             \
    else                                                                \
      block_product(n, 1, depth, a, lda, b + j, ldb, sums);             \
    break
    switch (rows) {
      CASE(1);
      CASE(2);
      CASE(3);
      CASE(4);
      CASE(5);
      CASE(6);
    }
#undef CASE
    for (int r = 0; r < rows; r++) memcpy(c + (long)r * ldc + j, sums[r], (size_t)width * sizeof *c);
  }
}
