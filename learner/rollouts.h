/* Rollouts: which iterations are rolled out ahead of the learner, and by which version. While it works on iteration k,
 * the iterations up to k + L are out, so the actors go on during the update. Version v is the policy after v
 * iterations.
 *
 * actors.lag L, exact:    iteration k is rolled out by version max(0, k - L), whatever the timing. Its reference is the
 *                         one of that version; when a refresh lies between that and the update the actors score none,
 *                         and the learner does (learner/stale.h).
 * actors.max_lag L, free: a chunk is rolled out by the newest version there is when it is handed out. An update takes as
 *                         many chunks as an iteration has, oldest first, as soon as so many are there; a chunk older
 *                         than k - L by then is dropped, counted, and rolled out again. */
#ifndef TROUPE_LEARNER_ROLLOUTS_H
#define TROUPE_LEARNER_ROLLOUTS_H

#include "common/config/config.h"
#include "learner/images.h"
#include "learner/ledger.h"
#include "proto/hub.h"

typedef struct Rollouts {
  const Config *config; /* borrowed */
  ImageOrder order;     /* borrows its split */
  int lag;              /* of either kind */
  bool exact;
  int64_t opened;        /* iterations below it were opened, or done before the run was resumed */
  int64_t iterations;    /* of the whole run */
  int chunks;            /* an iteration */
  const Result **result; /* [results], owned: of the last rollouts_collect and the refills after it */
  int results;
  int32_t
      *fresh; /* [split - images_per_iteration], owned: what refills take pictures from; the first `used` are gone */
  int fresh_count, used;
} Rollouts;

/* `split` [count] is the training split, borrowed. */
void rollouts_init(Rollouts *rollouts, const Config *config, const int32_t *split, int count);
void rollouts_free(Rollouts *rollouts); /* idempotent */

/* Opens what may be rolled out when `iteration` iterations are finished and `oldest` is the oldest policy there is. */
void rollouts_open(Rollouts *rollouts, Ledger *ledger, int64_t iteration, int64_t oldest, int64_t reference_version);

/* The share of the rollouts of `iteration` that are there already. */
double rollouts_ready(const Rollouts *rollouts, const Ledger *ledger, int64_t iteration);

/* Waits for the rollouts of `iteration`: rollouts->result, borrowed until ledger_release. *complete false: stopped.
 * Errors: FAILED no actors. */
Status rollouts_collect(Rollouts *rollouts, Hub *hub, Ledger *ledger, int64_t iteration, const volatile int *stop,
                        bool *complete);

/* Dynamic sampling: at most `images` fresh pictures more for the iteration just collected, of the same versions, behind
 * the others in rollouts->result, whose pointers change. Which pictures follows from the seed and the iteration, so
 * neither the number of actors nor a resume plays a part. *added: how many; 0 when the split has no others. */
Status rollouts_refill(Rollouts *rollouts, Hub *hub, Ledger *ledger, int64_t iteration, int images,
                       const volatile int *stop, int *added, bool *complete);

#endif
