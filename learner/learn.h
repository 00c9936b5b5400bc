/* Learn: what the learner makes of an iteration's rollouts: advantages within each group, then inner epochs of
 * optimiser steps over shuffled minibatches of images. Folds the results in chunk order, whoever made them. */
#ifndef TROUPE_LEARNER_LEARN_H
#define TROUPE_LEARNER_LEARN_H

#include "common/config/config.h"
#include "common/data/dataset.h"
#include "learner/batch.h"
#include "learner/schedule.h"
#include "learner/skips.h"
#include "learner/update.h"
#include "proto/messages.h"

/* What corrects for captions that an earlier version sampled: a weight prox / mu with clipping against prox, the policy
 * when the update began (decoupled PPO, arXiv 2110.00641); clipping against mu alone; or nothing: mu is taken for prox. */
typedef enum OffPolicy { OFF_POLICY_DECOUPLED, OFF_POLICY_CLIP_ONLY, OFF_POLICY_NONE, OFF_POLICIES } OffPolicy;
extern const char *const off_policy_names[OFF_POLICIES + 1]; /* NULL-terminated */

/* One image of the iteration and its group, somewhere in a chunk's result. */
typedef struct Group {
  const Result *result; /* borrowed from the ledger */
  int index;            /* image within the result */
  int first_caption;    /* in Learn.advantage */
  int first_token;      /* in Learn.log_mu, log_prox, log_ref */
} Group;

enum { LEARN_COMPONENTS = COMPONENTS_MAX };

/* Means over an iteration's rollouts, under TRL's definitions. */
typedef struct RolloutMeans {
  double reward, reward_std;          /* over captions; mean over groups of the population standard deviation */
  double component[LEARN_COMPONENTS]; /* unweighted */
  double frac_reward_zero_std;        /* share of groups whose rewards do not differ, those left out included */
  double length, clipped;             /* tokens a caption; share without end token */
  double version_lag; /* mean over captions of how many versions older than the policy their sampler was */
  int version_lag_max;
  double kept_mass;               /* mean over tokens of the probability that truncation left to sample from */
  double baseline;                /* mean reward of the greedy captions (scst), else NaN */
  double seconds[SECONDS_KINDS];  /* sums over chunks */
  int groups, left_out;           /* sampled; of them left out by policy.dynamic_sampling */
  int refills;                    /* rounds of fresh images */
  long captions, tokens, decoded; /* decoded: captions and the greedy ones that are a baseline */
} RolloutMeans;

typedef struct Learn {
  const Config *config; /* borrowed, as are dataset and updater */
  Dataset *dataset;
  Updater *updater;
  Batch batch;
  Group *group; /* [images_per_iteration], owned, as are the following */
  int groups, captions, tokens;
  int64_t iteration;                  /* gathered: the version of the policy that the update starts from */
  bool stale;                         /* some captions are of an earlier version, and log_prox was computed for them */
  double *advantage;                  /* [captions of the iteration] */
  int32_t *order;                     /* [images_per_iteration] */
  float *log_mu, *log_prox, *log_ref; /* [tokens of the iteration]; prox = mu where not stale */
  float *batch_log_mu, *batch_log_prox, *batch_log_ref; /* [tokens of a minibatch] */
  double *batch_advantage;                              /* [captions of a minibatch] */
  Batch truth; /* people's captions of the minibatch's images; empty when policy.xe is 0 */
  int steps_per_iteration;
  Skips skips;         /* count: of the last update */
  ObjectiveSums first; /* of the last update's first step: the policy is still the one that the update began with */
} Learn;

void learn_init(Learn *learn, const Config *config, Dataset *dataset, Updater *updater);
/* The updater too, for this rank's part of a minibatch; the rank may do without a team (NULL). */
void learn_init_updater(Learn *learn, Updater *updater, const Config *config, Dataset *dataset, const ParamTable *table,
                        Team *team);
void learn_free(Learn *learn); /* idempotent */

/* Gathers the iteration's results [chunks], borrowed until after learn_update, and computes advantages; with
 * policy.dynamic_sampling learn->groups counts only groups whose rewards differ. Then call stale_compute
 * (learner/stale.h). */
void learn_gather(Learn *learn, const Result *const *results, int chunks, int64_t iteration, RolloutMeans *means);

/* Appends a group's picture and captions to learn->batch. Returns the offset of its first token there in *at. */
Status learn_add_group(Learn *learn, const Group *group, int *at);
int learn_group_tokens(const Group *group);

/* The inner epochs. `between` (or NULL) is called between optimiser steps: progress of messages; when it returns false
 * the update ends there, with *complete false. Errors: FAILED when too many losses or gradients in a row are not finite
 * (learner/skips.h), naming the step. */
Status learn_update(Learn *learn, int64_t iteration, int64_t iterations, bool (*between)(void *), void *context,
                    ObjectiveSums *sums, double *grad_norm, double *learning_rate, bool *complete);

#endif
