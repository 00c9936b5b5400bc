/* Matrix products over CBLAS. */
#include "common/tensor/gemm.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

/* Weak: other BLAS libraries (BLIS, MKL) do not have these. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

void gemm_init(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
}

void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
          const float *b, int ldb, float beta, float *c, int ldc) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k,
              alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Tiles are large enough that packing A and B again for each costs a few per cent, small enough for some tens of
 * threads. They are part of the arithmetic: changing them may change last bits. */
enum { TILE_ROWS = 448, TILE_COLUMNS = 256 };

void gemm_tiled(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                const float *b, int ldb, float beta, float *c, int ldc) {
  int rows = (m + TILE_ROWS - 1) / TILE_ROWS, columns = (n + TILE_COLUMNS - 1) / TILE_COLUMNS;
#pragma omp parallel for collapse(2) schedule(dynamic)
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < columns; column++) {
      int i = row * TILE_ROWS, j = column * TILE_COLUMNS;
      int tile_m = m - i < TILE_ROWS ? m - i : TILE_ROWS, tile_n = n - j < TILE_COLUMNS ? n - j : TILE_COLUMNS;
      gemm(transpose_a, transpose_b, tile_m, tile_n, k, alpha, transpose_a ? a + i : a + (long)i * lda, lda,
           transpose_b ? b + (long)j * ldb : b + j, ldb, beta, c + (long)i * ldc + j, ldc);
    }
  }
}

const char *gemm_name(void) {
  static char name[128];
  if (!openblas_get_config || !openblas_get_corename) return "CBLAS (not OpenBLAS)";
  char version[64];
  snprintf(version, sizeof version, "%s", openblas_get_config());
  char *space = strchr(version + (strncmp(version, "OpenBLAS ", 9) == 0 ? 9 : 0), ' ');
  if (space) *space = 0;
  snprintf(name, sizeof name, "%s %s", version, openblas_get_corename());
  return name;
}
