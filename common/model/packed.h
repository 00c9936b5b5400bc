/* Packed: linear layers over few rows whose weights are laid out once and used many times, as decoding does each
 * step. BLAS copies the weights into its own layout in every call: at 5 to 160 rows that took 18 % of decoding.
 * In the precision of gemm.h, and the same bits as gemm_linear's and bias_add's: each row's are its own whatever the
 * other rows and their number are, so a caption does not depend on its company. */
#ifndef TROUPE_MODEL_PACKED_H
#define TROUPE_MODEL_PACKED_H

#include <stddef.h>

/* Floats of a packed W [out, in]. */
size_t packed_floats(int out, int in);

/* Lays out W [out, in], rows dense. 64-byte aligned. */
void packed_fill(int out, int in, const float *weight, float *packed);

/* y [rows, out] = x [rows, in] W^T + bias; bias NULL = none. On the calling thread. */
void packed_linear(int rows, int in, int out, const float *x, const float *packed, const float *bias, float *y);

#endif
