/* Matrix products, row-major float32, through CBLAS: the only place that sees it. OpenBLAS itself runs on one thread;
 * the parallel form cuts C into fixed tiles, so the bits do not depend on how many threads share them. The products of
 * linear layers may be made in bfloat16 instead (bf16.h). */
#ifndef TROUPE_TENSOR_GEMM_H
#define TROUPE_TENSOR_GEMM_H

#include <stdbool.h>

/* Once per program, before the first product: one BLAS thread. */
void gemm_init(void);

/* Of linear layers' products: gemm_tiled and common/model/packed.h. Set before the first; float32 until then. */
typedef enum Precision { PRECISION_FLOAT32, PRECISION_BF16 } Precision;
void gemm_precision_set(Precision precision);
Precision gemm_precision(void);

/* C [m, n] = alpha * op(A) op(B) + beta * C on the calling thread. op(A) is [m, k]: A is stored [m, k], or [k, m] when
 * transpose_a; op(B) is [k, n] likewise. lda, ldb, ldc: floats from one stored row to the next. */
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc);

/* The same in the precision that is set, C cut into tiles that an OpenMP team shares. Not to be called inside a
 * parallel region. In bf16 alpha is 1, and beta 0 or 1. */
void gemm_tiled(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                const float *b, int ldb, float beta, float *c, int ldc);

/* Name of the BLAS and of the kernel in use, such as "OpenBLAS 0.3.21 Zen", and of bf16's kernel when that is set.
 * Borrowed. */
const char *gemm_name(void);

#endif
