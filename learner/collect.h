/* Collect: brings the actors' results of an open iteration home: hands chunks of the ledger to actors as they become
 * free, takes results, gives the chunks of lost actors to others. */
#ifndef TROUPE_LEARNER_COLLECT_H
#define TROUPE_LEARNER_COLLECT_H

#include <stdbool.h>

#include "learner/ledger.h"
#include "proto/hub.h"

/* Returns when every chunk of (work, iteration) is in the ledger, or *stop is set (*complete false). Errors: FAILED
 * when no actor is left. */
Status collect(Hub *hub, Ledger *ledger, Work work, int64_t iteration, const volatile int *stop, bool *complete);

#endif
