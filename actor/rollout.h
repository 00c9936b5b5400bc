/* Rollout: one chunk of work, from dataset indices to a Result: grids, a sampled group of captions an image, rewards,
 * and log-probabilities under the reference. The chunk is the batch of every matrix product, so its bits do not depend
 * on which actor makes it. */
#ifndef TROUPE_ACTOR_ROLLOUT_H
#define TROUPE_ACTOR_ROLLOUT_H

#include "actor/reward.h"
#include "common/config/config.h"
#include "common/data/dataset.h"
#include "common/model/captioner.h"
#include "common/model/decode.h"
#include "proto/messages.h"

typedef struct Rollout {
  const Config *config;    /* borrowed */
  Dataset *dataset;        /* borrowed */
  const ParamTable *table; /* borrowed */
  Decoder decoder;
  int64_t loaded;      /* policy version that the decoder has laid out, VERSION_NONE at first */
  Captioner captioner; /* reference log-probabilities: forward only */
  CaptionSet samples, greedy;
  NgramDf df; /* of the training split */
  Reward reward;
  float *features; /* [chunk_images, N, F] */
  int32_t *input;  /* [tokens]: the samples behind start tokens */
} Rollout;

/* Errors: document frequencies in the dataset that do not fit. */
Status rollout_init(Rollout *rollout, const Config *config, Dataset *dataset, const ParamTable *table);
void rollout_free(Rollout *rollout); /* idempotent */

/* Fills `result` (owned by the caller: result_free). `reference` may be NULL for WORK_EVALUATE, which searches
 * (policy_search) and rewards nothing. Errors: the dataset cannot be read. */
Status rollout_run(Rollout *rollout, const Assignment *assignment, const float *policy, const float *reference,
                   Result *result);

#endif
