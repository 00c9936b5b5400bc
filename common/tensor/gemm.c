/* Matrix products over CBLAS. */
#include "common/tensor/gemm.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "common/base/pulse.h"
#include "common/base/status.h"
#include "common/tensor/bf16.h"

/* Weak: other BLAS libraries (BLIS, MKL) do not have these. */
extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

void gemm_init(void) {
  if (openblas_set_num_threads) openblas_set_num_threads(1);
}

static Precision in_force;

void gemm_precision_set(Precision precision) { in_force = precision; }

Precision gemm_precision(void) { return in_force; }

void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc) {
  cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n, k,
              alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Tiles: BLAS packs A and B again for each, so they are as large as leaves TILES_WANTED of them, and equal, since a
 * thin rest is slow. They depend on the product's shape alone and are part of the arithmetic: changing them may change
 * last bits. */
enum { TILE_ROWS = 480, TILE_COLUMNS = 512, TILE_SMALL = 256, TILES_WANTED = 8, TILE_STEP = 16 };

static int parts(int size, int tile) { return (size + tile - 1) / tile; }

/* The size of parts(size, tile) equal parts, rounded up to what the inner kernels like. */
static int equal_part(int size, int tile) {
  int part = parts(size, parts(size, tile));
  return parts(part, TILE_STEP) * TILE_STEP;
}

static void tile_choose(int m, int n, int *rows, int *columns) {
  *rows = equal_part(m, TILE_ROWS), *columns = equal_part(n, TILE_COLUMNS);
  while (parts(m, *rows) * parts(n, *columns) < TILES_WANTED && *columns > TILE_SMALL)
    *columns = equal_part(n, *columns / 2);
}

void gemm_tiled(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                const float *b, int ldb, float beta, float *c, int ldc) {
  if (m <= 0 || n <= 0) return;
  pulse();
  if (in_force == PRECISION_BF16) {
    CHECK(alpha == 1.0f && (beta == 0.0f || beta == 1.0f));
    bf16_gemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta == 1.0f, c, ldc);
    return;
  }
  int tile_rows, tile_columns;
  tile_choose(m, n, &tile_rows, &tile_columns);
#pragma omp parallel for collapse(2) schedule(dynamic)
  for (int i = 0; i < m; i += tile_rows) {
    for (int j = 0; j < n; j += tile_columns) {
      int rows = m - i < tile_rows ? m - i : tile_rows, columns = n - j < tile_columns ? n - j : tile_columns;
      gemm(transpose_a, transpose_b, rows, columns, k, alpha, transpose_a ? a + i : a + (long)i * lda, lda,
           transpose_b ? b + (long)j * ldb : b + j, ldb, beta, c + (long)i * ldc + j, ldc);
    }
  }
}

const char *gemm_name(void) {
  static char name[128];
  const char *bf16 = in_force == PRECISION_BF16 ? bf16_name() : "", *joint = *bf16 ? ", bf16 " : "";
  if (!openblas_get_config || !openblas_get_corename) {
    snprintf(name, sizeof name, "CBLAS (not OpenBLAS)%s%s", joint, bf16);
    return name;
  }
  char version[64];
  snprintf(version, sizeof version, "%s", openblas_get_config());
  char *space = strchr(version + (strncmp(version, "OpenBLAS ", 9) == 0 ? 9 : 0), ' ');
  if (space) *space = 0;
  snprintf(name, sizeof name, "%s %s%s%s", version, openblas_get_corename(), joint, bf16);
  return name;
}
