/* Captioner: grid features -> memory -> transformer decoder -> log-probabilities of given captions (teacher forcing),
 * and the gradient of any loss of them. Sequences are packed, the valid tokens and nothing else, and what captions of a
 * picture have in common at their beginning is computed once (prefixes.h), unless dropout makes them differ.
 *
 * Shapes: M images, C captions, T tokens, N cells, F features, D width, V vocabulary. Bits do not depend on the number
 * of OpenMP threads: each output element is computed by one thread in one order. */
#ifndef TROUPE_MODEL_CAPTIONER_H
#define TROUPE_MODEL_CAPTIONER_H

#include <stdint.h>

#include "common/base/arena.h"
#include "common/model/params.h"

/* A packed batch. Captions of one image stand together, images in order. All arrays are borrowed. */
typedef struct CaptionBatch {
  int images, captions, tokens; /* M, C, T */
  const float *features;        /* [M, N, F]; a picture of fewer cells ends in rows of zeros (cells.h) */
  const int32_t *image_start;   /* [M + 1]: captions of image i are image_start[i] .. image_start[i + 1] - 1 */
  const int32_t *caption_start; /* [C + 1]: tokens of caption c are caption_start[c] .. caption_start[c + 1] - 1 */
  const int32_t *input;         /* [T]: start token, w1, ..., wn */
  const int32_t *target;        /* [T]: w1, ..., wn, end token (or no end token: an unfinished caption) */
} CaptionBatch;

/* Dropout of a training pass; a rate of 0 = none. Masks are keyed by (seed, step, layer, row, column), not by thread. */
typedef struct Dropout {
  float rate;       /* of the embedded tokens and of what each sublayer adds */
  float image_rate; /* of the projected grid, before any encoder layer */
  uint64_t seed;
  uint32_t step;
  int first_token, first_cell; /* numbers of the batch's first ones, when it is a part of a larger batch */
} Dropout;

typedef struct Captioner {
  const ParamTable *table;                  /* borrowed */
  int max_images, max_captions, max_tokens; /* what the arena is sized for */
  Arena arena;                              /* activations kept from forward to backward, and scratch */
  struct CaptionerState *state;             /* owned: pointers into the arena after a forward pass */
} Captioner;

/* Sizes the arena for batches up to the given counts. `backward` false leaves out what only the gradient needs. */
void captioner_init(Captioner *captioner, const ParamTable *table, int max_images, int max_captions, int max_tokens,
                    int backward);
void captioner_free(Captioner *captioner); /* idempotent */

/* What forward tells of each target token. Any pointer but logp may be NULL. */
typedef struct TokenOutputs {
  float *logp;      /* [T]: log pi(target) at `temperature` */
  float *entropy;   /* [T]: entropy of the whole distribution, nats */
  float *mean_logp; /* [T]: mean over V of log pi, for label smoothing */
} TokenOutputs;

/* Log-probabilities of the batch's targets. temperature divides the logits (1 = none). dropout NULL = none. Keeps the
 * activations for captioner_backward when it was initialised with backward. */
void captioner_forward(Captioner *captioner, const float *weights, const CaptionBatch *batch, float temperature,
                       const Dropout *dropout, const TokenOutputs *outputs);

/* Gradient of a loss with respect to the outputs of the last forward pass. Any pointer may be NULL (= zero). */
typedef struct TokenGradients {
  const float *logp;      /* [T] dLoss/dlogp */
  const float *entropy;   /* [T] dLoss/dentropy */
  const float *mean_logp; /* [T] dLoss/dmean_logp */
} TokenGradients;

/* Adds dLoss/dweights to `gradients` (a block of table->total). Same weights and batch as the last forward pass, which
 * it consumes. */
void captioner_backward(Captioner *captioner, const float *weights, const CaptionBatch *batch,
                        const TokenGradients *outputs, float *gradients);

/* Where the last forward pass (initialised with backward) looked at each input token: the last decoder layer's
 * cross-attention, mean over heads, into attention [T, N]; a row sums to 1, cells past an image's own are 0. */
void captioner_attention(const Captioner *captioner, float *attention);

/* Rows of the last forward pass: its tokens less those that begin as an earlier caption of their picture does. */
int captioner_rows(const Captioner *captioner);

/* Floating-point operations of one forward pass over a batch whose tokens are computed in that many rows (multiply and
 * add count as two); backward is twice that. */
double captioner_flops(const ModelShape *shape, int images, int captions, int tokens, int rows);

#endif
