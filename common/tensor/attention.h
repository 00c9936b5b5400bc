/* Scaled dot-product attention (Vaswani et al. 2017, equation 1; no dropout of the probabilities) of blocks of packed
 * rows: block b's queries are rows query_start[b] .. query_start[b + 1] - 1 and see only the keys key_start[b] ..
 * key_start[b + 1] - 1. A block is a caption (self-attention), an image with all tokens of its captions
 * (cross-attention, keys = cells) or an image's cells (encoder). Heads lie side by side: head h of a row is its
 * columns h * width .. (h + 1) * width - 1. Parallel over blocks and heads; each output is made by one thread. */
#ifndef TROUPE_TENSOR_ATTENTION_H
#define TROUPE_TENSOR_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

typedef struct AttentionBlocks {
  int blocks, heads, width;               /* width of a head = D / H */
  int causal;                             /* query i of a block sees keys 0 .. i only */
  int max_keys;                           /* at least the keys of any block: the stride of `probs` */
  const int32_t *query_start, *key_start; /* [blocks + 1], borrowed */
} AttentionBlocks;

/* Floats of `probs` for that many query rows in all. */
size_t attention_probs(int query_rows, int heads, int max_keys);

/* out = softmax(q k^T / sqrt(width)) v. q, k, v, out: rows of ldq, ldk, ldv, ldo floats. probs keeps the probabilities
 * for backward (always needed as scratch). */
void attention_forward(const AttentionBlocks *blocks, const float *q, int ldq, const float *k, int ldk, const float *v,
                       int ldv, float *out, int ldo, float *probs);

/* Writes (does not add) d_q, d_k, d_v with the strides of q, k, v. probs as kept; scratch: as large as probs. */
void attention_backward(const AttentionBlocks *blocks, const float *q, int ldq, const float *k, int ldk, const float *v,
                        int ldv, const float *probs, const float *d_out, int ldo, float *d_q, float *d_k, float *d_v,
                        float *scratch);

/* One query row over `keys` cached keys and values, all heads, on the calling thread (decoding). scores: keys floats of
 * scratch. Equals attention_forward's last causal row up to rounding. */
void attention_row(int heads, int width, int keys, const float *q, const float *k, int ldk, const float *v, int ldv,
                   float *out, float *scores);

#endif
