/* Truth: captions of the dataset. */
#include "learner/truth.h"

static bool is_writable(const int32_t *tokens, int length) {
  for (int t = 0; t < length; t++)
    if (tokens[t] == WORD_UNKNOWN) return false;
  return true;
}

void truth_add(Batch *batch, const Dataset *dataset, int32_t image, int captions, int max_length, int64_t turn,
               bool unknown) {
  int first = dataset->image_first[image], count = dataset->image_first[image + 1] - first;
  int taken = count < captions ? count : captions;
  for (int c = 0; c < taken; c++) {
    int row = first + (int)((turn * taken + c) % count), length = dataset->length[row];
    if (length > max_length) length = max_length;
    const int32_t *tokens = dataset->tokens + (size_t)row * (size_t)dataset->token_stride;
    if (unknown || is_writable(tokens, length)) batch_add_caption(batch, tokens, length);
  }
}
