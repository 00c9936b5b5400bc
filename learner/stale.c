/* Stale: log-probabilities computed again, a minibatch of groups at a time. */
#include "learner/stale.h"

#include <string.h>

#include "learner/settings.h"

static bool policy_differs(const Result *result, int64_t version) { return result->policy_version != version; }
static bool reference_differs(const Result *result, int64_t version) {
  return !result->has_reference || result->reference_version != version;
}

/* The groups in the batch: their places in the column. A column of the batch is scratch, as no step is being taken. */
static void flush(Learn *learn, const float *weights, int groups, float *column) {
  const float *logp = learn->batch_log_prox;
  if (groups)
    update_logp(learn->updater, weights, &learn->batch.view, (float)learn->config->sampling.temperature,
                learn->batch_log_prox);
  for (int i = 0; i < groups; i++) {
    const Group *group = &learn->group[learn->order[i]];
    memcpy(column + group->first_token, logp, (size_t)learn_group_tokens(group) * sizeof(float));
    logp += learn_group_tokens(group);
  }
  batch_clear(&learn->batch);
}

/* column [tokens of the iteration] <- log-probabilities under `weights`, where the result differs from the version.
 * Learn.order is free until the update shuffles it. */
static Status compute(Learn *learn, bool (*differs)(const Result *, int64_t), int64_t version, const float *weights,
                      float *column) {
  int groups = 0, at;
  batch_clear(&learn->batch);
  for (int g = 0; g < learn->groups; g++) {
    if (!differs(learn->group[g].result, version)) continue;
    TRY(learn_add_group(learn, &learn->group[g], &at));
    learn->order[groups++] = g;
    if (groups < learn->batch.max_images) continue;
    flush(learn, weights, groups, column);
    groups = 0;
  }
  flush(learn, weights, groups, column);
  return OK;
}

Status stale_compute(Learn *learn, const float *reference, int64_t reference_version) {
  if (settings_reference(learn->config))
    TRY(compute(learn, reference_differs, reference_version, reference, learn->log_ref));
  bool ratio = settings_objective(learn->config).form == OBJECTIVE_CLIPPED;
  if (!ratio || settings_off_policy(learn->config) == OFF_POLICY_CLIP_ONLY) return OK;
  for (int g = 0; g < learn->groups; g++)
    learn->stale = learn->stale || policy_differs(learn->group[g].result, learn->iteration);
  return learn->stale ? compute(learn, policy_differs, learn->iteration, learn->updater->weights, learn->log_prox) : OK;
}
