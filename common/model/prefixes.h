/* Prefixes: the distinct beginnings of the captions of each picture. What a causal decoder computes at a token depends on
 * the picture and the tokens up to it, so captions that begin alike share these rows: all start with the start token, and
 * the samples of a trained policy have about a fifth of their tokens in common. decode.c shares its rows in the same way.
 *
 * Rows are numbered by their first token, in order: row[t] <= t. So rows [R, width] become tokens [T, width] and the
 * other way in place. M images, T tokens, R <= T rows. */
#ifndef TROUPE_MODEL_PREFIXES_H
#define TROUPE_MODEL_PREFIXES_H

#include "common/base/arena.h"
#include "common/model/captioner.h"

typedef struct Prefixes {
  int rows, tokens;                   /* R, T */
  int32_t *row;                       /* [T]: the row of token t */
  int32_t *next;                      /* [T]: the next token of the same row, -1 after the last */
  int32_t *first;                     /* [R]: its first token */
  int32_t *input, *position, *parent; /* [R]: its last token, where that stands, the row before (-1: none) */
  int32_t *start;                     /* [M + 1]: rows of image i are start[i] .. start[i + 1] - 1 */
} Prefixes;

void prefixes_take(Prefixes *prefixes, Arena *arena, int images, int tokens);

/* share false: every token has a row of its own (under dropout, which differs from caption to caption). */
void prefixes_find(Prefixes *prefixes, const CaptionBatch *batch, bool share);

/* In place, x [T, width]: each token gets its row, and the way back, the sum over a row's tokens in their order. */
void prefixes_expand(const Prefixes *prefixes, int width, float *x);
void prefixes_sum(const Prefixes *prefixes, int width, float *x);

/* In place, x [T, width]: each row gets its first token's, and the way back, zero for the other tokens. */
void prefixes_pick(const Prefixes *prefixes, int width, float *x);
void prefixes_place(const Prefixes *prefixes, int width, float *x);

#endif
