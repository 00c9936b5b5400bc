/* Learn: groups, advantages, minibatches. */
#include "learner/learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/policy.h"
#include "learner/images.h"
#include "learner/settings.h"
#include "learner/shard.h"
#include "learner/truth.h"

const char *const off_policy_names[OFF_POLICIES + 1] = {"decoupled", "clip_only", "none", NULL};

void learn_init(Learn *learn, const Config *config, Dataset *dataset, Updater *updater) {
  int images = config->policy.images_per_iteration, minibatch = config->policy.minibatch_images;
  int part = shard_first(minibatch, 1, team_ranks(updater->team)), captions = part * config->policy.group;
  int tokens = captions * policy_max_length(config);
  size_t all_captions = (size_t)images * (size_t)config->policy.group;
  size_t all_tokens = all_captions * (size_t)policy_max_length(config);
  *learn = (Learn){.config = config, .dataset = dataset, .updater = updater};
  batch_init(&learn->batch, &updater->table->shape, part, captions, tokens);
  if (config->policy.xe > 0) batch_init(&learn->truth, &updater->table->shape, part, captions, tokens);
  learn->group = xcalloc((size_t)images, sizeof *learn->group);
  learn->advantage = xcalloc(all_captions, sizeof(double));
  learn->order = xcalloc((size_t)images, sizeof(int32_t));
  float **all[] = {&learn->log_mu, &learn->log_prox, &learn->log_ref};
  float **some[] = {&learn->batch_log_mu, &learn->batch_log_prox, &learn->batch_log_ref};
  for (int i = 0; i < 3; i++) {
    *all[i] = xcalloc(all_tokens, sizeof(float));
    *some[i] = xcalloc((size_t)tokens, sizeof(float));
  }
  learn->batch_advantage = xcalloc((size_t)captions, sizeof(double));
  learn->steps_per_iteration = config->policy.inner_epochs * ((images + minibatch - 1) / minibatch);
}

void learn_init_updater(Learn *learn, Updater *updater, const Config *config, Dataset *dataset, const ParamTable *table,
                        Team *team) {
  int images = shard_first(config->policy.minibatch_images, 1, team_ranks(team));
  int captions = images * config->policy.group;
  OptimizerOptions optimizer = settings_optimizer(&config->optimizer);
  update_init(updater, table, &optimizer, images, captions, captions * policy_max_length(config));
  update_join(updater, team);
  learn_init(learn, config, dataset, updater);
}

void learn_free(Learn *learn) {
  batch_free(&learn->batch);
  batch_free(&learn->truth);
  free(learn->group);
  free(learn->advantage);
  free(learn->order);
  float *columns[] = {learn->log_mu,       learn->log_prox,       learn->log_ref,
                      learn->batch_log_mu, learn->batch_log_prox, learn->batch_log_ref};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) free(columns[i]);
  free(learn->batch_advantage);
  *learn = (Learn){0};
}

/* --- gathering ----------------------------------------------------------------------------------------------- */

int learn_group_tokens(const Group *group) {
  const Result *r = group->result;
  return r->caption_start[r->image_start[group->index + 1]] - r->caption_start[r->image_start[group->index]];
}

/* Its columns of the result, behind those gathered before. */
static void gather_tokens(Learn *learn, const Group *group) {
  const Result *r = group->result;
  size_t bytes = (size_t)learn_group_tokens(group) * sizeof(float);
  int start = r->caption_start[r->image_start[group->index]];
  memcpy(learn->log_mu + group->first_token, r->logp + start, bytes);
  memcpy(learn->log_prox + group->first_token, r->logp + start, bytes);
  if (r->has_reference) memcpy(learn->log_ref + group->first_token, r->reference_logp + start, bytes);
  learn->tokens += learn_group_tokens(group);
}

static void gather_group(Learn *learn, const AdvantageOptions *options, const Result *result, int index,
                         RolloutMeans *means) {
  int first = result->image_start[index], size = result->image_start[index + 1] - first;
  Group *group = &learn->group[learn->groups++];
  *group = (Group){result, index, learn->captions, learn->tokens};
  gather_tokens(learn, group);
  GroupStats stats =
      advantage_group(options, size, result->reward + first, result->has_baseline ? result->baseline[index] : 0,
                      learn->advantage + learn->captions);
  if (stats.degenerate && learn->config->policy.dynamic_sampling) {
    learn->groups--;
    learn->tokens = group->first_token;
    means->left_out++;
  } else {
    learn->captions += size;
  }
  means->groups++;
  means->captions += size;
  means->reward_std += stats.std;
  means->frac_reward_zero_std += stats.degenerate;
  means->baseline += result->has_baseline ? result->baseline[index] : NAN;
  for (int c = first; c < first + size; c++) {
    means->reward += result->reward[c];
    means->clipped += !result->finished[c];
    for (int k = 0; k < result->components && k < LEARN_COMPONENTS; k++)
      means->component[k] += result->component[(size_t)c * (size_t)result->components + (size_t)k];
  }
}

void learn_gather(Learn *learn, const Result *const *results, int chunks, int64_t iteration, RolloutMeans *means) {
  AdvantageOptions options = settings_advantage(learn->config);
  *means = (RolloutMeans){0};
  learn->groups = learn->captions = learn->tokens = 0;
  learn->iteration = iteration;
  learn->stale = false;
  for (int chunk = 0; chunk < chunks; chunk++) {
    const Result *result = results[chunk];
    int lag = (int)(iteration - result->policy_version);
    means->version_lag += (double)lag * result->captions;
    if (lag > means->version_lag_max) means->version_lag_max = lag;
    for (int i = 0; i < result->images; i++) gather_group(learn, &options, result, i, means);
    means->tokens += result->tokens;
    means->kept_mass += result->kept_mass * result->tokens;
    means->decoded += result->captions + (result->has_baseline ? result->images : 0);
    for (int k = 0; k < SECONDS_KINDS; k++) means->seconds[k] += result->seconds[k];
  }
  double captions = (double)means->captions, groups = means->groups;
  means->reward /= captions;
  means->clipped /= captions;
  means->version_lag /= captions;
  for (int k = 0; k < LEARN_COMPONENTS; k++) means->component[k] /= captions;
  means->length = (double)means->tokens / captions;
  means->kept_mass /= (double)means->tokens;
  means->reward_std /= groups;
  means->frac_reward_zero_std /= groups;
  means->baseline /= groups;
}

/* --- updating ------------------------------------------------------------------------------------------------ */

Status learn_add_group(Learn *learn, const Group *group, int *at) {
  const Result *result = group->result;
  int first = result->image_start[group->index], end = result->image_start[group->index + 1];
  TRY(dataset_features(learn->dataset, result->image[group->index], batch_add_image(&learn->batch, NULL)));
  *at = learn->batch.view.tokens;
  for (int c = first; c < end; c++) {
    int start = result->caption_start[c];
    batch_add_caption(&learn->batch, result->token + start, result->caption_start[c + 1] - start);
  }
  return OK;
}

/* With what the objective wants to know of it. */
static Status add_terms(Learn *learn, const Group *group, int *captions) {
  int at, count = group->result->image_start[group->index + 1] - group->result->image_start[group->index];
  TRY(learn_add_group(learn, group, &at));
  size_t bytes = (size_t)learn_group_tokens(group) * sizeof(float);
  memcpy(learn->batch_log_mu + at, learn->log_mu + group->first_token, bytes);
  memcpy(learn->batch_log_prox + at, learn->log_prox + group->first_token, bytes);
  memcpy(learn->batch_log_ref + at, learn->log_ref + group->first_token, bytes);
  memcpy(learn->batch_advantage + *captions, learn->advantage + group->first_caption, (size_t)count * sizeof(double));
  *captions += count;
  return OK;
}

/* The people's captions of the images in the batch: as many of each as were sampled, in turns. */
static void truth_fill(Learn *learn, const int32_t *groups, int count) {
  batch_clear(&learn->truth);
  for (int i = 0; i < count; i++) {
    const Group *group = &learn->group[groups[i]];
    batch_add_image(&learn->truth, learn->batch.features + (size_t)i * learn->batch.image_floats);
    truth_add(&learn->truth, learn->dataset, group->result->image[group->index], learn->config->policy.group,
              policy_max_length(learn->config), learn->iteration, !learn->config->sampling.forbid_unk);
  }
}

/* On-policy, prox is mu and all three are the same. */
static RolloutTerms terms_choose(const Learn *learn, OffPolicy off_policy) {
  RolloutTerms terms = {.log_mu = learn->batch_log_mu, .advantage = learn->batch_advantage};
  if (policy_reference(learn->config)) terms.log_ref = learn->batch_log_ref;
  if (learn->stale && off_policy == OFF_POLICY_DECOUPLED) terms.log_prox = learn->batch_log_prox;
  if (learn->stale && off_policy == OFF_POLICY_NONE) terms.log_mu = learn->batch_log_prox;
  return terms;
}

static Status step(Learn *learn, const int32_t *groups, int count, int64_t number, double multiplier,
                   const ObjectiveOptions *objective, ObjectiveSums *sums, double *grad_norm) {
  const Config *config = learn->config;
  Team *team = learn->updater->team;
  int rank = team_rank(team), captions = 0;
  int first = shard_first(count, rank, team_ranks(team)), end = shard_first(count, rank + 1, team_ranks(team));
  batch_clear(&learn->batch);
  for (int i = first; i < end; i++) TRY(team_pass(team, add_terms(learn, &learn->group[groups[i]], &captions)));
  RolloutTerms terms = terms_choose(learn, settings_off_policy(config));
  if (config->policy.xe > 0) {
    truth_fill(learn, groups + first, end - first);
    terms.truth = &learn->truth.view;
    terms.xe = config->policy.xe;
  }
  Dropout dropout = {.rate = (float)config->policy.dropout,
                     .image_rate = (float)config->policy.image_dropout,
                     .seed = config->run.seed,
                     .step = (uint32_t)number};
  Status status = update_policy(learn->updater, &learn->batch.view, &terms, objective,
                                (float)config->sampling.temperature, &dropout, multiplier, sums, grad_norm);
  return team_lost(team) ? status : skips_take(&learn->skips, status, grad_norm);
}

Status learn_update(Learn *learn, int64_t iteration, int64_t iterations, bool (*between)(void *), void *context,
                    ObjectiveSums *sums, double *grad_norm, double *learning_rate, bool *complete) {
  const Config *config = learn->config;
  ScheduleOptions schedule = settings_schedule(&config->schedule);
  ObjectiveOptions objective = settings_objective(config);
  int minibatch = config->policy.minibatch_images, done = 0;
  int steps = config->policy.inner_epochs * ((learn->groups + minibatch - 1) / minibatch);
  double norm, multiplier = 0;
  *sums = (ObjectiveSums){0};
  *grad_norm = 0;
  *complete = false;
  learn->skips.count = 0;
  for (int epoch = 0; epoch < config->policy.inner_epochs; epoch++) {
    images_shuffle(config->run.seed, iteration, epoch, learn->order, learn->groups);
    for (int first = 0; first < learn->groups; first += minibatch, done++) {
      int count = learn->groups - first < minibatch ? learn->groups - first : minibatch;
      int64_t number = iteration * learn->steps_per_iteration + done;
      multiplier = schedule_multiplier(&schedule, number, iterations * learn->steps_per_iteration);
      Status status = step(learn, learn->order + first, count, number, multiplier, &objective, sums, &norm);
      if (status != OK)
        return status_prefix(status, "iteration %lld, step %d of %d", (long long)iteration + 1, done + 1, steps);
      *grad_norm += norm / steps;
      if (!done) learn->first = *sums;
      bool goes_on = team_decide(learn->updater->team, !between || between(context));
      if (!goes_on && done + 1 < steps) return OK;
    }
  }
  *learning_rate = multiplier * config->optimizer.lr;
  *complete = true;
  return OK;
}
