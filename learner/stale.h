/* Stale: what the learner computes again before an update, because the rollouts are of another version: log prox of
 * captions that an earlier policy sampled (what the policy gives them now), and log ref of captions that were scored
 * with another reference or with none. On-policy this is nothing. */
#ifndef TROUPE_LEARNER_STALE_H
#define TROUPE_LEARNER_STALE_H

#include "learner/learn.h"

/* Of the groups just gathered; the updater still holds version learn->iteration. `reference` is a block. Errors: the
 * dataset cannot be read. */
Status stale_compute(Learn *learn, const float *reference, int64_t reference_version);

#endif
