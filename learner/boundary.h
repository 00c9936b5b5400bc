/* Boundary: the state between two iterations, to go back to. What an iteration changes is copied before it and put back
 * when it does not come to its end: a stop need not wait for the update, and what is saved then is a boundary, from
 * which the same iteration is replayed.
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
  int64_t oldest;                            /* policy version that is held */
  float *policy[CHECKPOINT_EARLIER_MAX + 1]; /* version v in v % (lag + 1); blocks, owned, as are the following */
  float *moment1, *moment2;                  /* of the optimizer's segment */
  float *reference;
  int64_t step;
  Progress progress;
} Boundary;

void boundary_init(Boundary *boundary, const Updater *updater, int lag);
void boundary_free(Boundary *boundary); /* idempotent */

/* Copies; the versions progress->iteration - lag .. - 1 must have been kept or loaded, as far as there are any. */
void boundary_keep(Boundary *boundary, const Updater *updater, const float *reference, const Progress *progress);
void boundary_restore(const Boundary *boundary, Updater *updater, float *reference, Progress *progress);

/* A policy version from `oldest` to the last that was kept or loaded; borrowed. */
const float *boundary_policy(const Boundary *boundary, int64_t version);

/* The earlier policies of a checkpoint of `checkpoint->iteration`: taken from it (owned copies), and lent to it. */
void boundary_load(Boundary *boundary, const ParamTable *table, const Checkpoint *checkpoint);
void boundary_lend(const Boundary *boundary, Checkpoint *checkpoint);

#endif
