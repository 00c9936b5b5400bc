/* One decoding step: from the tokens at position t to the logits of position t + 1, for all live rows in one batch, with
 * cached keys and values. Internal to decode.c and beam.c.
 *
 * A row is one caption being written; a slot is a place in the cache. Nothing in the cache moves: rows that finish leave
 * the batch, and a beam's hypothesis names for each earlier position the slot that holds it. */
#ifndef TROUPE_MODEL_DECODE_STEP_H
#define TROUPE_MODEL_DECODE_STEP_H

#include "common/model/decode.h"

typedef struct StepRows {
  int count, position;     /* live rows, all at this position */
  const int32_t *token;    /* [count]: input token */
  const int32_t *slot;     /* [count]: where this position's keys and values go; distinct */
  const int32_t *image;    /* [count]: not decreasing */
  const int32_t *history;  /* [count, max_length]: slots of positions 0 .. position - 1; NULL = the row's own slot */
} StepRows;

/* What decoder_init lays out in the decoder's arena. L layers, R = max_rows, M = max_images, N cells, Np = N rounded up to
 * whole vectors, D width. */
typedef struct DecoderState {
  /* the pictures */
  float *memory;                   /* [M, N, D] */
  float *cross_keys[LAYERS_MAX];   /* [M, D, Np]: transposed; columns past N are never read back */
  float *cross_values[LAYERS_MAX]; /* [M, N, D] and a vector's margin */
  /* the captions so far */
  float *cache[LAYERS_MAX]; /* [R slots, max_length, 2 D]: key, value */
  /* one step */
  float *stream, *normed, *mixed, *added; /* [R, D] */
  float *qkv;                     /* [R, 3 D] */
  float *hidden;                  /* [R, feed_forward] */
  float *logits;                  /* [R, V]: what decoder_step leaves */
  float *scores;                  /* [SMALL_ROWS, Np], or [max_length] */
  float *draw;                    /* scratch of draw.h */
  int32_t *row, *token, *slot, *image; /* [R]: live rows, for the callers */
} DecoderState;

/* Makes `count` empty captions of it. */
void captions_clear(CaptionSet *set, int count);

/* Memory and cross-attention keys and values of these pictures [images, N, F]. */
void decoder_see(Decoder *decoder, const float *weights, int images, const float *features);

/* One step; the logits [count, V] are in state->logits. */
void decoder_step(Decoder *decoder, const float *weights, const StepRows *rows);

#endif
