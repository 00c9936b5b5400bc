/* Collect: brings the actors' results home: hands chunks of the ledger to actors as they become free, takes results,
 * gives the chunks of lost actors to others. */
#ifndef TROUPE_LEARNER_COLLECT_H
#define TROUPE_LEARNER_COLLECT_H

#include <stdbool.h>

#include "learner/ledger.h"
#include "proto/hub.h"

/* One round of that, without waiting: also for the middle of an update. True: something was done. */
bool collect_once(Hub *hub, Ledger *ledger);

/* Rounds until `chunks` chunks of the open iterations up to `last` are there and not taken, or *stop is set (*complete
 * false). Errors: FAILED when no actor is left. */
Status collect(Hub *hub, Ledger *ledger, Work work, int64_t last, int chunks, const volatile int *stop, bool *complete);

#endif
