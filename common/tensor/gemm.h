/* Matrix products, row-major float32, through CBLAS: the only place that sees it. OpenBLAS itself runs on one thread;
 * the parallel form cuts C into fixed tiles, so the bits do not depend on how many threads share them. */
#ifndef TROUPE_TENSOR_GEMM_H
#define TROUPE_TENSOR_GEMM_H

#include <stdbool.h>

/* Once per program, before the first product: one BLAS thread. */
void gemm_init(void);

/* C [m, n] = alpha * op(A) op(B) + beta * C on the calling thread. op(A) is [m, k]: A is stored [m, k], or [k, m] when
 * transpose_a; op(B) is [k, n] likewise. lda, ldb, ldc: floats from one stored row to the next. */
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
          int ldb, float beta, float *c, int ldc);

/* The same, C cut into fixed tiles that an OpenMP team shares. Not to be called inside a parallel region. */
void gemm_tiled(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                const float *b, int ldb, float beta, float *c, int ldc);

/* Name of the BLAS and of the kernel in use, such as "OpenBLAS 0.3.21 Zen". Borrowed. */
const char *gemm_name(void);

#endif
