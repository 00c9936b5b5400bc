/* Reference: the policy that the KL penalty holds on to. Starts as the stage-1 model; every reference.refresh_every
 * iterations ref <- mix policy + (1 - mix) ref (TR-DPO, arXiv 2404.09656); 0 = never. */
#ifndef TROUPE_LEARNER_REFERENCE_H
#define TROUPE_LEARNER_REFERENCE_H

#include "learner/trainer.h"

/* When a refresh is due after progress->iteration, which has just been finished: *reference is replaced (by the updater's block
 * itself, held, where the mix is 1), the version counted, true. What each learner rank does for itself. */
bool reference_moves(const Config *config, Progress *progress, const Updater *updater, Shared **reference);

/* Called when t->progress.iteration has just been finished and published: refreshes and sends the reference where it is due. */
void reference_refresh(Trainer *trainer);

#endif
