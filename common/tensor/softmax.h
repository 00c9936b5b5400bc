/* Softmax over rows: of attention scores, and of the vocabulary with the log-probability of a target, the entropy and
 * the mean log-probability in the same pass. Row-major float32. */
#ifndef TROUPE_TENSOR_SOFTMAX_H
#define TROUPE_TENSOR_SOFTMAX_H

#include <stdint.h>

/* x[0..n) becomes softmax(scale * x), one row on the calling thread. n >= 1. */
void softmax_row(int n, float scale, float *x);

/* z[c] = (z[c] + bias[c]) * scale in place (bias NULL: none); returns log sum exp of the row. log p(c) = z[c] -
 * that. When entropy is not NULL it gets the row's entropy (nats), and mean_z the mean of z. One row on the calling
 * thread. */
float logits_row(int columns, float *z, const float *bias, float scale, float *entropy, float *mean_z);

/* logits_row of each of the rows [R, V]: log_sum, entropy, mean_z [R]. */
void logits_forward(int rows, int vocabulary, float *logits, const float *bias, float scale, float *log_sum,
                    float *entropy, float *mean_z);

/* Overwrites z [R, V] by dLoss/dlogits, given the gradients [R] of the row's entropy, of the mean of its log p (mean_z -
 * log_sum), and the sum of those of any of its log p(v), whose own terms scale * dLoss/dlog p(v) the caller adds to z:
 *   scale * (-d_logp p - d_entropy p (log p + entropy) + d_mean (1/V - p)). */
void logits_backward(int rows, int vocabulary, float *z, float scale, const float *log_sum, const float *entropy,
                     const float *d_logp, const float *d_entropy, const float *d_mean);

#endif
