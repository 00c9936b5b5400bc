/* Matrix products over CBLAS and over our own kernels. */
#include "common/tensor/gemm.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "common/base/pulse.h"
#include "common/tensor/bf16.h"
#include "common/tensor/float32.h"

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

const ProductKernel *gemm_kernel(void) { return in_force == PRECISION_BF16 ? bf16_kernel() : &float32_kernel; }

void gemm_linear(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
                 int ldb, bool add, float *c, int ldc) {
  if (m <= 0 || n <= 0) return;
  pulse();
  product(gemm_kernel(), transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc);
}

const char *gemm_name(void) {
  static char name[128];
  const char *own = gemm_kernel()->name, *joint = in_force == PRECISION_BF16 ? ", bf16 " : ", ";
  if (!openblas_get_config || !openblas_get_corename) {
    snprintf(name, sizeof name, "CBLAS (not OpenBLAS)%s%s", joint, own);
    return name;
  }
  char version[64];
  snprintf(version, sizeof version, "%s", openblas_get_config());
  char *space = strchr(version + (strncmp(version, "OpenBLAS ", 9) == 0 ? 9 : 0), ' ');
  if (space) *space = 0;
  snprintf(name, sizeof name, "%s %s%s%s", version, openblas_get_corename(), joint, own);
  return name;
}
