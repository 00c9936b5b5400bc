/* Boundary: the state between two iterations, to go back to. What an iteration changes is kept before it and put back
 * when it does not come to its end: a stop need not wait for the update, and what is saved then is a boundary, from
 * which the same iteration is replayed. Policy and reference are held, not copied: the shelf sends them from the same
 * memory (proto/hub.h), and the updater goes on in another block.
 *
 * With actors.lag L the boundary of iteration k also has the policy versions k - L .. k - 1, and so does its
 * checkpoint: the iterations k .. k + L - 1, which were being rolled out by them, are rolled out again after a resume,
 * to the same bits. Rollouts themselves are not saved. */
#ifndef TROUPE_LEARNER_BOUNDARY_H
#define TROUPE_LEARNER_BOUNDARY_H

#include "common/model/checkpoint.h"
#include "learner/update.h"

/* The counters of a run. */
typedef struct Progress {
  int64_t iteration; /* finished ones: the version of the policy */
  int64_t reference_version;
  int64_t tokens;   /* sampled so far */
  int64_t captions; /* decoded so far to learn from, greedy baselines included */
  double best;      /* CIDEr on the validation split, NaN = none */
  int64_t best_iteration;
} Progress;

typedef struct Boundary {
  int lag;
  int64_t oldest;                             /* policy version that is held */
  Shared *policy[CHECKPOINT_EARLIER_MAX + 1]; /* version v in v % (lag + 1); held; NULL before it */
  Shared *reference;                          /* held */
  float *moment1, *moment2;                   /* of the optimizer's segment; owned copies */
  int64_t step;
  Progress progress;
} Boundary;

void boundary_init(Boundary *boundary, const Updater *updater, int lag);
void boundary_free(Boundary *boundary); /* idempotent */

/* Keeps the updater's block, which then has a copy of its own to change. The versions progress->iteration - lag .. - 1 must have
 * been kept or loaded, as far as there are any. */
void boundary_keep(Boundary *boundary, Updater *updater, Shared *reference, const Progress *progress);
/* *reference is replaced. Call boundary_keep before the next step. */
void boundary_restore(const Boundary *boundary, Updater *updater, Shared **reference, Progress *progress);

/* A policy version from `oldest` to the last that was kept or loaded; borrowed. */
Shared *boundary_policy(const Boundary *boundary, int64_t version);

/* The earlier policies of a checkpoint of `checkpoint->iteration`: taken from it (it has none then), and lent to it. */
void boundary_load(Boundary *boundary, Checkpoint *checkpoint);
void boundary_lend(const Boundary *boundary, Checkpoint *checkpoint);

#endif
