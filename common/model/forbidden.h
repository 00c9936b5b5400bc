/* Forbidden: the tokens that may not come next in a caption. They keep their probability in the softmax (as the update
 * sees it) but are never written: to log-probabilities, forbidding is a truncation like top-k. */
#ifndef TROUPE_MODEL_FORBIDDEN_H
#define TROUPE_MODEL_FORBIDDEN_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: only the special tokens pad, start and unknown are forbidden. */
typedef struct DecodeRules {
  int min_length;      /* tokens that come before the end token may */
  int no_repeat_ngram; /* no n tokens in a row stand twice in a caption; 0 = they may */
  bool allow_unknown;  /* <unk> may be written */
} DecodeRules;

enum { FORBIDDEN_MAX = 4 + 512 }; /* special tokens and one a position */

typedef struct Forbidden {
  int count;
  int32_t token[FORBIDDEN_MAX]; /* [count], rising */
} Forbidden;

/* What may not come behind `tokens` [count]. When that is everything, the end token may come. */
void forbidden_find(Forbidden *forbidden, const DecodeRules *rules, int vocabulary, const int32_t *tokens, int count);

bool forbidden_has(const Forbidden *forbidden, int32_t token);

#endif
