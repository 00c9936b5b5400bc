/* Matrix products, row-major float32: small ones (attention) through CBLAS, the only place that sees it, OpenBLAS itself on
 * one thread; those of linear layers by the kernels of product.h, in the precision that is set. */
#ifndef TROUPE_TENSOR_GEMM_H
#define TROUPE_TENSOR_GEMM_H

#include <stdbool.h>

#include "common/tensor/product.h"

/* Once per program, before the first product: one BLAS thread. */
void gemm_init(void);

/* Of linear layers' products: gemm_linear and common/model/packed.h. Set before the first; float32 until then. */
typedef enum Precision { PRECISION_FLOAT32, PRECISION_BF16 } Precision;
void gemm_precision_set(Precision precision);
Precision gemm_precision(void);
const ProductKernel *gemm_kernel(void);

/* C [m, n] = alpha * op(A) op(B) + beta * C on the calling thread. op(A) is [m, k]: A is stored [m, k], or [k, m] when
 * transpose_a; op(B) is [k, n] likewise. lda, ldb, ldc: floats from one stored row to the next. */
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc);

/* The same of a linear layer, added to C or not: shared by an OpenMP team, in the precision that is set. The bits do not
 * depend on the number of threads. k > 0. */
void gemm_linear(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
                 int ldb, bool add, float *c, int ldc);

/* Name of the BLAS and its kernel, and of our own in use: "OpenBLAS 0.3.21 Zen, AVX2", "..., bf16 AVX-512". Borrowed. */
const char *gemm_name(void);

#endif
