/* Packing captions. */
#include "learner/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/model/decode.h"

void batch_init(Batch *batch, const ModelShape *shape, int max_images, int max_captions, int max_tokens) {
  CHECK(max_images > 0 && max_captions > 0 && max_tokens > 0);
  *batch = (Batch){.max_images = max_images, .max_captions = max_captions, .max_tokens = max_tokens};
  batch->image_floats = (size_t)shape->cells * (size_t)shape->features;
  batch->features = xmalloc((size_t)max_images * batch->image_floats * sizeof(float));
  batch->image_start = xmalloc((size_t)(max_images + 1) * sizeof(int32_t));
  batch->caption_start = xmalloc((size_t)(max_captions + 1) * sizeof(int32_t));
  batch->input = xmalloc((size_t)max_tokens * sizeof(int32_t));
  batch->target = xmalloc((size_t)max_tokens * sizeof(int32_t));
  batch->view = (CaptionBatch){.features = batch->features,
                               .image_start = batch->image_start,
                               .caption_start = batch->caption_start,
                               .input = batch->input,
                               .target = batch->target};
  batch_clear(batch);
}

void batch_free(Batch *batch) {
  free(batch->features);
  free(batch->image_start);
  free(batch->caption_start);
  free(batch->input);
  free(batch->target);
  *batch = (Batch){0};
}

void batch_clear(Batch *batch) {
  batch->view.images = batch->view.captions = batch->view.tokens = 0;
  batch->image_start[0] = batch->caption_start[0] = 0;
}

float *batch_add_image(Batch *batch, const float *features) {
  CHECK(batch->view.images < batch->max_images);
  float *slot = batch->features + (size_t)batch->view.images++ * batch->image_floats;
  batch->image_start[batch->view.images] = batch->view.captions;
  return features ? memcpy(slot, features, batch->image_floats * sizeof *slot) : slot;
}

int batch_add_caption(Batch *batch, const int32_t *tokens, int length) {
  CaptionBatch *view = &batch->view;
  int begin = view->tokens;
  CHECK(length >= 1 && view->images > 0);
  CHECK(view->captions < batch->max_captions && length <= batch->max_tokens - begin);
  batch->input[begin] = TOKEN_START;
  memcpy(batch->input + begin + 1, tokens, (size_t)(length - 1) * sizeof *tokens);
  memcpy(batch->target + begin, tokens, (size_t)length * sizeof *tokens);
  view->tokens += length;
  batch->caption_start[++view->captions] = view->tokens;
  batch->image_start[view->images] = view->captions;
  return begin;
}
