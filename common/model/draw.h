/* Draw: from one row of logits to a token and its log-probability. Forbidden tokens are never chosen, but their
 * probability stays in the softmax. At least one token must be allowed. */
#ifndef TROUPE_MODEL_DRAW_H
#define TROUPE_MODEL_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "common/model/forbidden.h"

typedef struct Draw {
  int32_t token;
  float logp;  /* log softmax(logits / temperature)[token] over the whole vocabulary */
  double kept; /* the probability that forbidding, top-k and top-p left to draw from */
} Draw;

/* Floats of scratch that the calls below need for `vocabulary` logits. */
size_t draw_scratch(int vocabulary);

/* Inverse of the distribution function at u in [0, 1) over the allowed tokens, after temperature, then top-k (0 =
 * all; equal logits: lower ids first), then top-p (1 = all; the smallest set of most probable tokens that holds
 * top_p of what top-k left; Holtzman et al., ICLR 2020). The token was drawn with log-probability logp - log kept. */
Draw draw_sample(const float *logits, int vocabulary, const Forbidden *forbidden, float temperature, int top_k,
                 float top_p, double u, float *scratch);

/* The most probable allowed token (ties: the lower id), temperature 1; `kept` is 1. */
Draw draw_greedy(const float *logits, int vocabulary, const Forbidden *forbidden);

/* The `count` most probable allowed tokens in descending order (ties: the lower id first) with their
 * log-probabilities at temperature 1. Returns how many there are (fewer in a tiny vocabulary). */
int draw_best(const float *logits, int vocabulary, const Forbidden *forbidden, int count, int32_t *tokens, float *logp);

#endif
