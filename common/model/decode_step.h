/* One decoding step: from the tokens at position t to the logits of position t + 1, for all live rows in one
 * batch, with cached keys and values. Internal to decode.c and beam.c.
 *
 * A row is the beginning of one or more captions; a slot is a place in the cache. Rows that finish leave the batch and
 * nothing moves. A beam's hypothesis names for each earlier position the slot that holds it. */
#ifndef TROUPE_MODEL_DECODE_STEP_H
#define TROUPE_MODEL_DECODE_STEP_H

#include "common/model/decode.h"
#include "common/model/stack.h"

typedef struct StepRows {
  int count, position;    /* live rows, all at this position */
  const int32_t *token;   /* [count]: input token */
  const int32_t *slot;    /* [count]: where this position's keys and values go; distinct */
  const int32_t *image;   /* [count]: not decreasing */
  const int32_t *history; /* [count, max_length]: slots of positions 0 .. position - 1; NULL = the row's own slot */
} StepRows;

/* The weights of a layer, packed.h. */
typedef struct LayerPacked {
  float *self_qkv, *self_out, *cross_q, *cross_kv, *cross_out, *up, *down;
} LayerPacked;

/* What decoder_init lays out in the decoder's arena. R = max_rows, M = max_images, N cells, Np = N and a margin, D
 * width. */
typedef struct DecoderState {
  const float *loaded;   /* what decoder_load packed, or NULL */
  float *image, *output; /* packed */
  LayerPacked layer[LAYERS_MAX];
  /* the pictures */
  Stack encoder;                   /* sized for one picture */
  int32_t *cell_start;             /* [M + 1]: cells.h */
  float *memory;                   /* [K, D]: the cells of all pictures */
  float *cross_keys[LAYERS_MAX];   /* [M, D, Np]: transposed, so that the scores of neighbouring cells lie together */
  float *cross_values[LAYERS_MAX]; /* [M, H, N, D / H] */
  float *cross_kv;                 /* [K, 2 D]: as the linear layer makes them */
  /* the captions so far */
  float *cache[LAYERS_MAX]; /* [R slots, max_length, 2 D]: key, value */
  /* one step */
  float *stream, *input, *mixed, *added; /* [R, D] */
  float *qkv;                            /* [R, 3 D] */
  float *hidden;                         /* [R, feed_forward] */
  float *logits;                         /* [R, V]: what decoder_step leaves */
  float *scores;                         /* [SMALL_ROWS, Np] or [max_length] */
  float *gathered;                       /* [max_length, 2 D]: keys and values of one row with a history */
  float *draw;                           /* of draw.h */
  int32_t *position;                     /* [R] */
  /* [R] each, for the callers */
  int32_t *caption, *row, *token, *slot, *picture, *parent, *left;
} DecoderState;

/* Makes `count` empty captions of it. */
void captions_clear(CaptionSet *set, int count);

/* Copies positions 0 .. positions - 1 of a slot's cache to another. */
void decoder_fork(Decoder *decoder, int from, int to, int positions);

/* Packs the weights unless decoder_load did; memory and cross-attention keys and values of these pictures [images,
 * N, F]. */
void decoder_see(Decoder *decoder, const float *weights, int images, const float *features);

/* One step with the same weights; the logits [count, V] are in state->logits. */
void decoder_step(Decoder *decoder, const float *weights, const StepRows *rows);

#endif
