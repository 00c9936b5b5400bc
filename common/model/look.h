/* Look: where a policy looks at each word of a caption: the last decoder layer's cross-attention over the grid, added up over
 * the word's tokens. */
#ifndef TROUPE_MODEL_LOOK_H
#define TROUPE_MODEL_LOOK_H

#include "common/data/vocabulary.h"
#include "common/model/captioner.h"

typedef struct Look {
  const ParamTable *table; /* borrowed, as are the three below */
  const float *weights;
  VocabularyKind kind;
  char *const *token; /* [V] */
  int side;           /* of the grid; 0: it is not square, or no decoder layer looks */
  Captioner captioner;
  int32_t *input;          /* [max_length], owned */
  float *logp, *attention; /* [max_length], [max_length, N], owned */
} Look;

void look_init(Look *look, const ParamTable *table, const float *weights, VocabularyKind kind, char *const *token,
               int max_length);
void look_free(Look *look); /* idempotent */

/* A caption of a picture's grid [N, F], as decoding gave it: `length` tokens, the end token the last one if it is finished. */
typedef struct LookCaption {
  char *text;
  int words;
  unsigned char *attention; /* [words, side, side], each word's largest 255; NULL: side is 0, or no words */
} LookCaption;

void look_at(Look *look, const float *features, const int32_t *tokens, int length, bool finished, LookCaption *caption);
void look_caption_free(LookCaption *caption); /* idempotent */

#endif
