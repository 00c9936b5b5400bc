/* Product: C = op(A) op(B), or C + op(A) op(B), of matrices as large as those of linear layers, by kernels of our own: BLAS
 * lays both operands out anew for every part of C, which took a tenth of an update. An element's sum is taken in one
 * order that depends on the depth alone: its bits are the same among any other rows and columns, in either form below,
 * on any number of threads. Row-major float32 in and out. */
#ifndef TROUPE_TENSOR_PRODUCT_H
#define TROUPE_TENSOR_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What laid-out operands consist of: an element in float32, or a pair of neighbours along the depth in bfloat16. */
typedef union Word {
  float one;
  uint32_t pair;
} Word;

enum { PRODUCT_TILE = 16 };

/* How a precision on a kind of processor does it. A tile is 8 or 16 vectors of PRODUCT_TILE words: vector v of them begins
 * at x + v * ldx (turn), or its elements stand at x + k * ldx + v (join); word w of it goes to to[w * stride + v]. */
typedef struct ProductKernel {
  const char *name;
  int elements;      /* of a word */
  int rows, columns; /* of C in registers: panels of A have at most so many vectors, those of B exactly */
  int room;          /* vectors that a panel of A has room for: 8 or 16 */
  int depth;         /* elements that are summed in registers; the sums of such blocks are added in order */
  void (*turn)(int vectors, const float *x, int ldx, Word *to, int stride);
  void (*join)(int vectors, const float *x, int ldx, Word *to, int stride);
  /* y [rows, columns] = (add ? y : 0) + a b, over so many words of depth */
  void (*multiply)(int rows, int words, const Word *a, const Word *b, bool add, float *y, int ldy);
} ProductKernel;

/* The right operand B [depth, columns], laid out once for many products: words of it, and the laying out. B is stored
 * [depth, columns], or [columns, depth] when `transpose`; ldb: floats from one stored row to the next. 64-byte
 * aligned. */
size_t product_words(const ProductKernel *kernel, int columns, int depth);
void product_pack(const ProductKernel *kernel, bool transpose, int columns, int depth, const float *b, int ldb,
                  Word *packed);

/* C [rows, columns] = A [rows, depth] B on the calling thread. */
void product_packed(const ProductKernel *kernel, int rows, int columns, int depth, const float *a, int lda,
                    const Word *packed, float *c, int ldc);

/* C [m, n] = op(A) op(B) + (add ? C : 0) as in gemm.h, shared by an OpenMP team; inside a parallel region each thread makes
 * its own. */
void product(const ProductKernel *kernel, bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
             int lda, const float *b, int ldb, bool add, float *c, int ldc);

#endif
