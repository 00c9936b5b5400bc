/* Stale: log-probabilities computed again, a minibatch of groups at a time. */
#include "learner/stale.h"

#include <stdlib.h>
#include <string.h>

#include "common/model/policy.h"
#include "learner/settings.h"
#include "learner/shard.h"

static bool policy_differs(const Result *result, int64_t version) { return result->policy_version != version; }
static bool reference_differs(const Result *result, int64_t version) {
  return !result->has_reference || result->reference_version != version;
}

/* logp <- log-probabilities of the batch's captions, which is then empty. Returns how many. */
static size_t flush(Learn *learn, const float *weights, float *logp) {
  size_t tokens = (size_t)learn->batch.view.tokens;
  if (tokens)
    update_logp(learn->updater, weights, &learn->batch.view, (float)learn->config->sampling.temperature, logp);
  batch_clear(&learn->batch);
  return tokens;
}

/* logp <- log-probabilities of the groups order[first .. end - 1] under `weights`, one behind the other. */
static Status compute_part(Learn *learn, int first, int end, const float *weights, float *logp) {
  int at;
  batch_clear(&learn->batch);
  for (int i = first; i < end; i++) {
    TRY(learn_add_group(learn, &learn->group[learn->order[i]], &at));
    if (learn->batch.view.images == learn->batch.max_images) logp += flush(learn, weights, logp);
  }
  flush(learn, weights, logp);
  return OK;
}

/* column [tokens of the iteration] <- log-probabilities under `weights`, where the result differs from the version: each
 * learner rank does its part. Learn.order is free until the update shuffles it. */
static Status compute(Learn *learn, bool (*differs)(const Result *, int64_t), int64_t version, const float *weights,
                      float *column) {
  Team *team = learn->updater->team;
  int count = 0, rank = team_rank(team), ranks = team_ranks(team);
  size_t start[TEAM_RANKS_MAX + 1], tokens = 0;
  for (int g = 0; g < learn->groups; g++)
    if (differs(learn->group[g].result, version)) learn->order[count++] = g;
  for (int i = 0, r = 0; i <= count; i++) {
    for (; r <= ranks && shard_first(count, r, ranks) == i; r++) start[r] = tokens;
    if (i < count) tokens += (size_t)learn_group_tokens(&learn->group[learn->order[i]]);
  }
  float *logp = xcalloc(tokens + 1, sizeof *logp), *from = logp;
  Status status = team_pass(team, compute_part(learn, shard_first(count, rank, ranks),
                                               shard_first(count, rank + 1, ranks), weights, logp + start[rank]));
  if (status == OK) status = team_all_gather(team, logp, start);
  for (int i = 0; i < count && status == OK; i++) {
    const Group *group = &learn->group[learn->order[i]];
    memcpy(column + group->first_token, from, (size_t)learn_group_tokens(group) * sizeof(float));
    from += learn_group_tokens(group);
  }
  free(logp);
  return status;
}

Status stale_compute(Learn *learn, const float *reference, int64_t reference_version) {
  if (policy_reference(learn->config))
    TRY(compute(learn, reference_differs, reference_version, reference, learn->log_ref));
  bool ratio = settings_objective(learn->config).form == OBJECTIVE_CLIPPED;
  if (!ratio || settings_off_policy(learn->config) == OFF_POLICY_CLIP_ONLY) return OK;
  for (int g = 0; g < learn->groups; g++)
    learn->stale = learn->stale || policy_differs(learn->group[g].result, learn->iteration);
  return learn->stale ? compute(learn, policy_differs, learn->iteration, learn->updater->weights, learn->log_prox) : OK;
}
