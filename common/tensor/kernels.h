/* The passes between matrix products, forward next to backward, each fused so that a row is read and written once.
 * Row-major float32; R rows, D columns, dense (row stride = columns) unless a stride is named. Parallel over rows or
 * over columns, or over fixed blocks of rows folded in order: bits do not depend on the number of threads. `+=` marks
 * outputs that are added to; pointers marked "or NULL" may be NULL. */
#ifndef TROUPE_TENSOR_KERNELS_H
#define TROUPE_TENSOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* y[r, c] += bias[c]. */
void bias_add(int rows, int columns, float *y, const float *bias);

/* sum[c] += sum over r of y[r, c], rows in order: the gradient of a bias. */
void column_sum(int rows, int columns, const float *y, float *sum);

/* Inverted dropout. mask[r, c] is 1 where the element stays. 16 bits of a Philox draw decide an element, so the rate
 * in force is rate rounded to 1 / 65536, and dropout_scale gives the factor 1 / (1 - that rate) of what stays. Keyed
 * by (seed, step, site, row, column); site < 65536 tells the places of the model apart. `first` is the number of the first
 * row: passes over parts of one whole go on counting; others that share a step need seeds of their own. */
void dropout_mask(int first, int rows, int columns, float rate, uint64_t seed, uint32_t step, int site, uint8_t *mask);
float dropout_scale(float rate);
/* x[r, c] = mask ? x * scale : 0, in place: the forward and the backward pass are the same. */
void dropout_apply(int rows, int columns, const uint8_t *mask, float scale, float *x);

/* Residual and LayerNorm (Ba, Kiros, Hinton 2016; eps 1e-5):
 *   sum = x + drop(y + bias), out = (sum - mean) / sqrt(variance + eps) * gamma + beta.
 * `y` [R, D] becomes the sum, which backward needs. x NULL: no residual; bias NULL: none; mask NULL: no dropout.
 * mean, rstd [R] are kept for backward; both NULL when there is none. */
void norm_forward(int rows, int columns, const float *x, float *y, const float *bias, const uint8_t *mask, float scale,
                  const float *gamma, const float *beta, float *out, float *mean, float *rstd);

/* Its gradient. d_out [R, D]; sum, mean, rstd as kept. d_more [R, D] or NULL: gradient that reaches the sum by another
 * way (the residual stream of pre-norm). Writes d_sum [R, D] (may be d_out or d_more; is also the gradient of x), and
 * when mask is not NULL d_y [R, D] = drop(d_sum) (else d_sum is it; d_y ignored). d_gamma, d_beta [D] +=; d_bias [D]
 * += or NULL. scratch: norm_scratch(rows, columns) floats. */
void norm_backward(int rows, int columns, const float *d_out, const float *d_more, const float *sum, const float *mean,
                   const float *rstd, const float *gamma, const uint8_t *mask, float scale, float *d_sum, float *d_y,
                   float *d_gamma, float *d_beta, float *d_bias, float *scratch);
size_t norm_scratch(int rows, int columns);

/* Feed-forward activation: u += bias (in place, kept for backward), h = drop(act(u)). bias must be there under ReLU. h
 * may be u under ReLU, whose backward needs h alone. gelu: 0 = ReLU, 1 = GELU, x Phi(x). */
void activate_forward(int gelu, int rows, int columns, float *u, const float *bias, const uint8_t *mask, float scale,
                      float *h);
/* d_h becomes d_u in place; d_bias [columns] +=. ReLU reads h, GELU reads u. scratch: activate_scratch floats. */
void activate_backward(int gelu, int rows, int columns, const float *u, const float *h, const uint8_t *mask,
                       float scale, float *d_h, float *d_bias, float *scratch);
size_t activate_scratch(int rows, int columns);

/* y[r] = token[ids[r]] + position[at[r]], tables [*, D]. */
void embed_forward(int rows, int columns, const float *token, const int32_t *ids, const float *position,
                   const int32_t *at, float *y);
/* d_token[ids[r]] += d_y[r], d_position[at[r]] += d_y[r], rows in order. */
void embed_backward(int rows, int columns, const float *d_y, const int32_t *ids, const int32_t *at, float *d_token,
                    float *d_position);

#endif
