/* Batch: builds the packed CaptionBatch that the captioner takes, image by image, for stage 1 (captions of the
 * dataset) and stage 2 (rollouts). Owns its arrays, sized once and reused. Order of use: batch_clear, then for each
 * image batch_add_image and its captions by batch_add_caption. */
#ifndef TROUPE_LEARNER_BATCH_H
#define TROUPE_LEARNER_BATCH_H

#include <stddef.h>

#include "common/model/captioner.h"

typedef struct Batch {
  CaptionBatch view; /* whole after every call; its arrays are those below */
  int max_images, max_captions, max_tokens;
  size_t image_floats; /* N x F */
  float *features;     /* [max_images, N, F], owned, as are all below */
  int32_t *image_start, *caption_start, *input, *target;
} Batch;

void batch_init(Batch *batch, const ModelShape *shape, int max_images, int max_captions, int max_tokens);
void batch_free(Batch *batch); /* idempotent */
void batch_clear(Batch *batch);

/* Opens the next image and returns its slot [N, F] (borrowed) to be filled by the caller, or filled from `features`
 * unless it is NULL. CHECKs the capacity. */
float *batch_add_image(Batch *batch, const float *features);

/* Appends a caption to the last image: input = start token, tokens[0 .. length - 2]; target = tokens. `length` >= 1
 * counts the end token. Returns the offset of its first token in the packed arrays (for log mu and log ref). CHECKs
 * the capacity. */
int batch_add_caption(Batch *batch, const int32_t *tokens, int length);

#endif
