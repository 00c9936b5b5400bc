/* Follow: the learner's other ranks in stage 2. They have the same dataset, get an iteration's rollouts from the lead, and
 * make the same steps at the same time, each on its part of the minibatches. No actors, no files. */
#ifndef TROUPE_LEARNER_FOLLOW_H
#define TROUPE_LEARNER_FOLLOW_H

#include "common/config/config.h"
#include "learner/boundary.h"
#include "learner/learn.h"

/* The lead says what comes next, and then does it too (without other ranks: nothing): */
/* stale_compute and learn_update of an iteration's results; what follows from the new policy they do by themselves. */
Status follow_iteration(Team *team, int64_t iteration, int64_t iterations, int64_t reference_version,
                        const Result *const *results, int chunks);
/* Back to the boundary of `iteration` (the last one, or the one before). */
Status follow_restore(Team *team, int64_t iteration);
Status follow_collect(Team *team); /* state_collect */
Status follow_profile(Team *team); /* state_profile */

/* The first thing after state_meet: all ranks <- the lead's counters, reference, weights and, from its checkpoint (NULL elsewhere),
 * moments. A reference that equals the weights becomes their block. */
Status follow_spread(Updater *updater, Progress *progress, Shared **reference, const Checkpoint *from);

/* Such a rank's whole work, until the lead ends it. */
Status follow_run(const Config *config, Team *team);

#endif
