/* CaptionSet: token ids and log-probabilities at a fixed stride. */
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/model/decode_step.h"

void captions_init(CaptionSet *set, int capacity, int max_length) {
  CHECK(capacity > 0 && max_length > 0);
  size_t count = (size_t)capacity, tokens = count * (size_t)max_length;
  *set = (CaptionSet){.capacity = capacity, .max_length = max_length, .kept_mass = 1};
  set->tokens = xcalloc(tokens, sizeof *set->tokens);
  set->logp = xcalloc(tokens, sizeof *set->logp);
  set->length = xcalloc(count, sizeof *set->length);
  set->finished = xcalloc(count, sizeof *set->finished);
}

void captions_free(CaptionSet *set) {
  free(set->tokens);
  free(set->logp);
  free(set->length);
  free(set->finished);
  *set = (CaptionSet){0};
}

void captions_clear(CaptionSet *set, int count) {
  CHECK(count <= set->capacity);
  size_t tokens = (size_t)set->capacity * (size_t)set->max_length;
  memset(set->tokens, 0, tokens * sizeof *set->tokens);
  memset(set->logp, 0, tokens * sizeof *set->logp);
  memset(set->length, 0, (size_t)set->capacity * sizeof *set->length);
  memset(set->finished, 0, (size_t)set->capacity * sizeof *set->finished);
  set->count = count;
  set->rows = 0;
  set->kept_mass = 1;
}
