/* Learn: groups, advantages, minibatches. */
#include "learner/learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/policy.h"
#include "learner/images.h"
#include "learner/settings.h"

void learn_init(Learn *learn, const Config *config, Dataset *dataset, Updater *updater) {
  int images = config->policy.images_per_iteration, minibatch = config->policy.minibatch_images;
  int captions = minibatch * config->policy.group, tokens = captions * policy_max_length(config);
  *learn = (Learn){.config = config, .dataset = dataset, .updater = updater};
  batch_init(&learn->batch, &updater->table->shape, minibatch, captions, tokens);
  learn->group = xcalloc((size_t)images, sizeof *learn->group);
  learn->advantage = xcalloc((size_t)images * (size_t)config->policy.group, sizeof(double));
  learn->order = xcalloc((size_t)images, sizeof(int32_t));
  learn->log_mu = xcalloc((size_t)tokens, sizeof(float));
  learn->log_ref = xcalloc((size_t)tokens, sizeof(float));
  learn->batch_advantage = xcalloc((size_t)captions, sizeof(double));
  learn->steps_per_iteration = config->policy.inner_epochs * ((images + minibatch - 1) / minibatch);
}

void learn_free(Learn *learn) {
  batch_free(&learn->batch);
  free(learn->group);
  free(learn->advantage);
  free(learn->order);
  free(learn->log_mu);
  free(learn->log_ref);
  free(learn->batch_advantage);
  *learn = (Learn){0};
}

/* --- gathering ----------------------------------------------------------------------------------------------- */

static void gather_group(Learn *learn, const AdvantageOptions *options, const Result *result, int index,
                         RolloutMeans *means) {
  int first = result->image_start[index], size = result->image_start[index + 1] - first;
  learn->group[learn->groups++] = (Group){result, index, learn->captions};
  GroupStats stats =
      advantage_group(options, size, result->reward + first, result->has_baseline ? result->baseline[index] : 0,
                      learn->advantage + learn->captions);
  learn->captions += size;
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

void learn_gather(Learn *learn, const Ledger *ledger, int64_t iteration, RolloutMeans *means) {
  AdvantageOptions options = settings_advantage(learn->config);
  *means = (RolloutMeans){0};
  learn->groups = learn->captions = 0;
  int chunks = ledger_chunks(ledger, WORK_ROLLOUT, iteration);
  for (int chunk = 0; chunk < chunks; chunk++) {
    const Result *result = ledger_result(ledger, WORK_ROLLOUT, iteration, chunk);
    for (int i = 0; i < result->images; i++) gather_group(learn, &options, result, i, means);
    means->tokens += result->tokens;
    for (int k = 0; k < SECONDS_KINDS; k++) means->seconds[k] += result->seconds[k];
  }
  double captions = learn->captions, groups = learn->groups;
  means->captions = learn->captions;
  means->reward /= captions;
  means->clipped /= captions;
  for (int k = 0; k < LEARN_COMPONENTS; k++) means->component[k] /= captions;
  means->length = (double)means->tokens / captions;
  means->reward_std /= groups;
  means->frac_reward_zero_std /= groups;
  means->baseline /= groups;
}

/* --- updating ------------------------------------------------------------------------------------------------ */

static Status add_group(Learn *learn, const Group *group, int *captions) {
  const Result *result = group->result;
  TRY(dataset_features(learn->dataset, result->image[group->index], batch_add_image(&learn->batch, NULL)));
  int first = result->image_start[group->index], end = result->image_start[group->index + 1];
  for (int c = first; c < end; c++) {
    int start = result->caption_start[c], length = result->caption_start[c + 1] - start;
    int at = batch_add_caption(&learn->batch, result->token + start, length);
    memcpy(learn->log_mu + at, result->logp + start, (size_t)length * sizeof(float));
    if (result->has_reference)
      memcpy(learn->log_ref + at, result->reference_logp + start, (size_t)length * sizeof(float));
    learn->batch_advantage[(*captions)++] = learn->advantage[group->first_caption + c - first];
  }
  return OK;
}

static Status step(Learn *learn, const int32_t *groups, int count, int64_t number, double multiplier,
                   const ObjectiveOptions *objective, ObjectiveSums *sums, double *grad_norm) {
  const Config *config = learn->config;
  int captions = 0;
  batch_clear(&learn->batch);
  for (int i = 0; i < count; i++) TRY(add_group(learn, &learn->group[groups[i]], &captions));
  bool reference = learn->group[groups[0]].result->has_reference;
  RolloutTerms terms = {
      .log_mu = learn->log_mu, .log_ref = reference ? learn->log_ref : NULL, .advantage = learn->batch_advantage};
  Dropout dropout = {.rate = (float)config->policy.dropout,
                     .image_rate = (float)config->policy.image_dropout,
                     .seed = config->run.seed,
                     .step = (uint32_t)number};
  return update_policy(learn->updater, &learn->batch.view, &terms, objective, (float)config->sampling.temperature,
                       &dropout, multiplier, sums, grad_norm);
}

Status learn_update(Learn *learn, int64_t iteration, int64_t iterations, bool (*between)(void *), void *context,
                    ObjectiveSums *sums, double *grad_norm, double *learning_rate, bool *complete) {
  const Config *config = learn->config;
  ScheduleOptions schedule = settings_schedule(&config->schedule);
  ObjectiveOptions objective = settings_objective(config);
  int minibatch = learn->batch.max_images, done = 0;
  double norm, multiplier = 0;
  *sums = (ObjectiveSums){0};
  *grad_norm = 0;
  *complete = false;
  for (int epoch = 0; epoch < config->policy.inner_epochs; epoch++) {
    images_shuffle(config->run.seed, iteration, epoch, learn->order, learn->groups);
    for (int first = 0; first < learn->groups; first += minibatch, done++) {
      int count = learn->groups - first < minibatch ? learn->groups - first : minibatch;
      int64_t number = iteration * learn->steps_per_iteration + done;
      multiplier = schedule_multiplier(&schedule, number, iterations * learn->steps_per_iteration);
      Status status = step(learn, learn->order + first, count, number, multiplier, &objective, sums, &norm);
      if (status != OK)
        return status_prefix(status, "iteration %lld, step %d of %d", (long long)iteration + 1, done + 1,
                             learn->steps_per_iteration);
      *grad_norm += norm / learn->steps_per_iteration;
      if (between && !between(context) && done + 1 < learn->steps_per_iteration) return OK;
    }
  }
  *learning_rate = multiplier * config->optimizer.lr;
  *complete = true;
  return OK;
}
