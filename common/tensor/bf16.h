/* Products of matrices whose elements are rounded to bfloat16 (to nearest, ties to even), summed in float32. Row-major
 * float32 in and out. By AVX-512-BF16 where the processor has it, else by plain vector code. An element's sum is taken
 * in one order that depends on the depth alone: its bits are the same among any other rows and columns, in either
 * form below, on any number of threads. */
#ifndef TROUPE_TENSOR_BF16_H
#define TROUPE_TENSOR_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The right operand B [depth, columns], laid out once for many products: words of it, and the laying out. B is stored
 * [depth, columns], or [columns, depth] when `transpose`; ldb: floats from one stored row to the next. 64-byte
 * aligned. */
size_t bf16_words(int columns, int depth);
void bf16_pack(bool transpose, int columns, int depth, const float *b, int ldb, uint32_t *packed);

/* C [rows, columns] = A [rows, depth] B on the calling thread. */
void bf16_product(int rows, int columns, int depth, const float *a, int lda, const uint32_t *b, float *c, int ldc);

/* C = op(A) op(B) + (add ? C : 0) as in gemm.h, shared by an OpenMP team; inside a parallel region each thread makes its
 * own. */
void bf16_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc);

/* "AVX-512" or "portable"; to go by the latter on any processor from now on (tests). */
const char *bf16_name(void);
void bf16_portable_set(bool portable);

#endif
