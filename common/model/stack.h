/* Stack: transformer layers over packed rows, forward next to backward; the decoder (causal self-attention over
 * captions, cross-attention over image memory) and the encoder (self-attention over an image's cells) are both one.
 *
 *   post-norm: x = norm_self(x + drop(self(x)));  x = norm_cross(x + drop(cross(x, memory)));
 *              x = norm_ff(x + drop(down(drop(act(up(x))))))
 *   pre-norm:  x = x + drop(self(norm_self(x))), and so on; the output is norm_last(x)
 *
 * Either way a sub-layer ends in "add to the stream, then normalise": its Station. Under post-norm the normalised rows
 * are the next stream and its input; under pre-norm the sum is the stream and the normalised rows (by the next
 * sub-layer's norm) are its input. R rows, D width, K rows of memory. Of captions that begin alike R is less than their
 * T tokens (prefixes.h): only the attention within a caption goes over tokens, all else over rows. */
#ifndef TROUPE_MODEL_STACK_H
#define TROUPE_MODEL_STACK_H

#include "common/base/arena.h"
#include "common/model/captioner.h"
#include "common/model/params.h"
#include "common/model/prefixes.h"
#include "common/tensor/attention.h"

typedef struct Station {
  float *sum, *out;   /* [R, D]: the stream after the residual, and normalised */
  float *mean, *rstd; /* [R] */
  uint8_t *mask;      /* [R, D]: dropout before the residual */
} Station;

typedef struct LayerState {
  float *qkv, *self_probs, *self_mixed;          /* [T, 3D], attention_probs, [R, D] (room for T) */
  float *query, *kv, *cross_probs, *cross_mixed; /* [R, D], [K, 2D], attention_probs, [R, D] */
  float *up, *hidden;                            /* [R, feed_forward]; the same under ReLU */
  uint8_t *hidden_mask;
  Station self, cross, ff;
} LayerState;

typedef struct Stack {
  const ModelShape *shape;   /* borrowed, with the next two */
  const LayerParams *params; /* [layers] */
  Norm last;                 /* pre-norm: after the last layer */
  int layers;
  bool decoder;   /* causal, with cross-attention */
  int first_site; /* of its dropout masks: four a layer */

  /* of the current pass, laid out by stack_take */
  int rows, tokens, keys;
  bool keep;                /* for backward */
  const Prefixes *prefixes; /* NULL: rows and tokens are the same */
  AttentionBlocks self_blocks, cross_blocks;
  Dropout dropout; /* rate 0 = none */
  const float *input, *memory;
  Station first; /* pre-norm: norm_self of layer 0; sum = input */
  LayerState layer[LAYERS_MAX];
  float *d_stream, *d_y, *d_mixed, *d_qkv, *d_kv, *d_hidden, *d_probs, *sums; /* scratch of backward */
} Stack;

void stack_init(Stack *stack, const ParamTable *table, bool decoder);

/* Takes the pass's buffers from the arena: for `rows` of `tokens`, the same without prefixes; `keys` rows of memory
 * (decoder). keep false: no backward, layers and their sub-layers share their scratch. */
void stack_take(Stack *stack, Arena *arena, int rows, int tokens, int keys, bool keep);
/* The scratch of backward, in the arena's next memory; what lay there is overwritten by stack_backward. */
void stack_take_backward(Stack *stack, Arena *arena);

/* What looks at what, borrowed until backward. The encoder has `images` and `cells` alone. */
typedef struct StackBlocks {
  int images, captions;
  const int32_t *cells;     /* [images + 1]: rows of memory, or the encoder's, of each image */
  const int32_t *tokens;    /* [captions + 1]: tokens of each caption */
  const Prefixes *prefixes; /* the tokens' rows, and each image's */
} StackBlocks;

/* x [rows, D] (not written to) is the stream's start, memory [keys, D] (NULL for the encoder); both must live until
 * backward. Returns the normalised output [rows, D], the stack's (x itself when there is no layer). */
float *stack_forward(Stack *stack, const float *weights, float *x, const StackBlocks *blocks, const float *memory,
                     const Dropout *dropout);

/* d_x [rows, D] comes in as the gradient of the output and leaves as that of the input. Adds to `gradients`, and writes
 * d_memory [keys, D] (decoder). */
void stack_backward(Stack *stack, const float *weights, float *d_x, float *d_memory, float *gradients);

#endif
