/* Truth: people's captions of a picture, behind its grid in a batch: what stage 1 learns from, and the cross-entropy term
 * of stage 2. */
#ifndef TROUPE_LEARNER_TRUTH_H
#define TROUPE_LEARNER_TRUTH_H

#include <stdbool.h>

#include "common/data/dataset.h"
#include "learner/batch.h"

/* Appends at most `captions` captions of `image`, which the batch holds as its last: all, or that many from a start that
 * moves with `turn`. Cut at max_length tokens. Without `unknown` those with an unknown word are left out: the policy of
 * stage 2 cannot write them. */
void truth_add(Batch *batch, const Dataset *dataset, int32_t image, int captions, int max_length, int64_t turn,
               bool unknown);

#endif
