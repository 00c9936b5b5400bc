/* Products of a few rows with a matrix that fits the nearest caches: attention of one picture's captions. BLAS
 * packs its operands anew each call, which costs more than the product at these sizes. */
#ifndef TROUPE_MODEL_SMALL_PRODUCT_H
#define TROUPE_MODEL_SMALL_PRODUCT_H

enum { SMALL_ROWS = 6, SMALL_MARGIN = 16 };

/* c [rows, columns] = a [rows, depth] b [depth, columns], rows <= SMALL_ROWS. Reads up to SMALL_MARGIN - 1 floats
 * past the end of each row of b; writes c only where it exists. Each element is summed in the order of depth,
 * whatever `rows` is. */
void small_product(int rows, int columns, int depth, const float *a, int lda, const float *b, int ldb, float *c,
                   int ldc);

#endif
