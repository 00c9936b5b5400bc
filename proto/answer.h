/* Answer: whether a result is one to the work that was given, and one that the learner can compute with. A message that decodes
 * can still be wrong: of other images, with tokens that are not in the vocabulary, with rewards that are not numbers. */
#ifndef TROUPE_PROTO_ANSWER_H
#define TROUPE_PROTO_ANSWER_H

#include <stdbool.h>

#include "proto/messages.h"

typedef struct AnswerBounds {
  int vocabulary;    /* token ids are below it; 0 = any */
  int group, length; /* captions an image of rollouts, most tokens a caption; 0 = any number */
  bool baseline;     /* rollouts bring the rewards of greedy captions */
} AnswerBounds;

bool answer_fits(const AnswerBounds *bounds, const Result *result, const Assignment *assignment);

#endif
