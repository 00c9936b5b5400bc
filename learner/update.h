/* Update: one optimiser step on a minibatch, by cross-entropy (stage 1) or by the policy objective (stage 2):
 * forward, coefficients of the loss, backward, clipping, optimiser. Holds all that is trained: weights, gradients,
 * moments.
 *
 * With several learner ranks (update_join) the batch that a call is given is this rank's part of the minibatch, and
 * everything it tells is of the whole: gradients are added in the order of the ranks, each rank has the moments of one
 * segment of the weights and updates that, and all get the new weights.
 *
 * A minibatch larger than the captioner's arena is worked off in micro-batches, cut between images by the fixed
 * limits, so the same limits give the same bits whatever the number of threads. */
#ifndef TROUPE_LEARNER_UPDATE_H
#define TROUPE_LEARNER_UPDATE_H

#include "common/model/captioner.h"
#include "learner/objective.h"
#include "learner/optimizer.h"
#include "proto/shared.h"
#include "proto/team.h"

typedef struct Updater {
  const ParamTable *table;           /* borrowed */
  Shared *block;                     /* the weights, held; a step writes to them: then nobody else may hold them */
  float *weights;                    /* `block`'s, by params.h */
  float *gradients;                  /* another one, owned; zero between steps */
  Optimizer optimizer;               /* owns the moments */
  Team *team;                        /* borrowed; NULL = one rank */
  Captioner captioner;               /* its maxima are the micro-batch limits */
  float *logp, *entropy, *mean_logp; /* [max_tokens] outputs of a micro-batch, owned */
  float *d_logp, *d_entropy, *d_mean_logp; /* [max_tokens] */
  int32_t *image_start, *caption_start;    /* of a micro-batch, counted from 0 */
} Updater;

/* Micro-batches hold at most the given counts; every image with all its captions must fit by itself. Weights start at
 * zero: fill them by params_initialise or from a checkpoint. */
void update_init(Updater *updater, const ParamTable *table, const OptimizerOptions *options, int max_images,
                 int max_captions, int max_tokens);
void update_free(Updater *updater); /* idempotent */
/* Before the first step: minibatches are shared among the team's ranks. */
void update_join(Updater *updater, Team *team);
/* Takes a block of weights in place of its own, which it drops. */
void update_take(Updater *updater, Shared *block);

typedef struct XeReport {
  double loss; /* mean over target tokens of the (smoothed) cross-entropy, nats */
  double nll;  /* mean of -log pi(target) */
  double grad_norm;
  int tokens;
} XeReport;

/* Stage 1: a step on the mean cross-entropy of the batch's targets. label_smoothing e: target distribution
 * (1 - e) one-hot + e / V (torch.nn.CrossEntropyLoss). dropout NULL = none. `multiplier` is the schedule's value.
 * FAILED when the loss or the gradient is not finite: then nothing is changed. FAILED too when the team has lost a rank
 * (team_lost). */
Status update_xe(Updater *updater, const CaptionBatch *batch, double label_smoothing, const Dropout *dropout,
                 double multiplier, XeReport *report);

/* What stage 2 knows of the batch's captions, packed like it. Borrowed; NULL as ObjectiveInput allows. */
typedef struct RolloutTerms {
  const float *log_mu, *log_prox, *log_ref; /* [T] */
  const double *advantage;                  /* [C] */
  const CaptionBatch *truth; /* people's captions; NULL when xe is 0. Each image with its captions must fit */
  double xe;                 /* weight of their mean cross-entropy over tokens, at temperature 1 */
} RolloutTerms;

/* Stage 2: a step on the objective. temperature applies to log pi as it did to log mu. Adds to `sums` (steps += 1).
 * FAILED when a log-probability, an advantage, the loss or the gradient is not finite: then nothing is changed. */
Status update_policy(Updater *updater, const CaptionBatch *batch, const RolloutTerms *terms,
                     const ObjectiveOptions *options, float temperature, const Dropout *dropout, double multiplier,
                     ObjectiveSums *sums, double *grad_norm);

/* Log-probabilities [T] of the batch's targets under any weights of the same table, without dropout: for log prox, for
 * log ref when its version changed, and for the loss on a held-out split. */
void update_logp(Updater *updater, const float *weights, const CaptionBatch *batch, float temperature, float *logp);

#endif
