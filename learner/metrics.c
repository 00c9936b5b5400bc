/* Metrics: JSON lines and the terminal. */
#include "learner/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/data/vocabulary.h"
#include "common/model/caption_split.h"
#include "common/score/component.h"

static void put(json_t *line, const char *name, double value) { json_object_set_new(line, name, json_number(value)); }

void metrics_line(json_t *line, int64_t iteration, const IterationMetrics *m) {
  const RolloutMeans *r = &m->rollouts;
  ObjectiveMeans means = objective_means(&m->sums), first = objective_means(&m->first);
  json_object_set_new(line, "iteration", json_integer(iteration));
  put(line, "epoch", m->epoch);
  put(line, "reward", r->reward);
  put(line, "reward_std", r->reward_std);
  for (int k = 0; k < REWARD_COMPONENTS; k++) {
    char name[64];
    snprintf(name, sizeof name, "rewards/%s/mean", reward_component_name((RewardComponent)k));
    put(line, name, r->component[k]);
  }
  put(line, "frac_reward_zero_std", r->frac_reward_zero_std);
  if (m->dynamic) {
    json_object_set_new(line, "dynamic_sampling/left_out", json_integer(r->left_out));
    json_object_set_new(line, "dynamic_sampling/refills", json_integer(r->refills));
    json_object_set_new(line, "dynamic_sampling/groups", json_integer(r->groups - r->left_out));
  }
  if (!isnan(r->baseline)) put(line, "reward_baseline", r->baseline);
  if (m->reference) put(line, "kl", means.kl);
  put(line, "entropy", means.entropy);
  put(line, "clip_ratio/low_mean", means.clip_low);
  put(line, "clip_ratio/high_mean", means.clip_high);
  put(line, "ratio/mean", means.ratio_mean);
  put(line, "ratio/max", means.ratio_max);
  put(line, "ratio/first_mean_distance", first.away_mean);
  put(line, "ratio/first_max_distance", first.away_max);
  put(line, "completions/mean_length", r->length);
  put(line, "completions/clipped_ratio", r->clipped);
  put(line, "sampling/kept_mass", r->kept_mass);
  put(line, "loss", means.loss);
  if (m->xe) put(line, "xe", means.xe);
  put(line, "grad_norm", m->grad_norm);
  put(line, "learning_rate", m->learning_rate);
  json_object_set_new(line, "skipped_steps", json_integer(m->skipped));
  json_object_set_new(line, "num_tokens", json_integer(m->tokens));
  json_object_set_new(line, "captions_decoded", json_integer(m->captions));
  put(line, "step_time", m->step_s);
  put(line, "tokens_per_s", (double)r->tokens / m->step_s);
  json_object_set_new(line, "actors/alive", json_integer(m->alive));
  double busy = r->seconds[SECONDS_DECODE] + r->seconds[SECONDS_REWARD] + r->seconds[SECONDS_REFERENCE];
  put(line, "actors/idle_frac", r->seconds[SECONDS_IDLE] / (busy + r->seconds[SECONDS_IDLE]));
  put(line, "actors/decode_s", r->seconds[SECONDS_DECODE]);
  put(line, "actors/reward_s", r->seconds[SECONDS_REWARD]);
  put(line, "actors/reference_s", r->seconds[SECONDS_REFERENCE]);
  put(line, "learner/idle_frac", (m->after.idle_s - m->before.idle_s) / m->step_s);
  put(line, "learner/collect_s", m->collected_s);
  put(line, "learner/update_s", m->step_s - m->collected_s);
  put(line, "version_lag/mean", r->version_lag);
  put(line, "version_lag/max", r->version_lag_max);
  put(line, "rollouts/ready_frac", m->ready);
  put(line, "rollouts/dropped_chunks", (double)m->dropped);
  double seconds = m->after.snapshot_s - m->before.snapshot_s;
  double bytes = (double)(m->after.snapshot_bytes - m->before.snapshot_bytes);
  put(line, "broadcast/seconds", seconds);
  put(line, "broadcast/bytes_per_s", seconds > 0 ? bytes / seconds : 0);
}

void metrics_log(int64_t iteration, int64_t iterations, const IterationMetrics *m) {
  ObjectiveMeans means = objective_means(&m->sums);
  char kl[32] = "";
  if (m->reference) snprintf(kl, sizeof kl, "  kl %.4f", means.kl);
  double left = m->step_s * (double)(iterations - iteration);
  log_info("iteration %lld/%lld  reward %.4f +- %.3f%s  entropy %.3f  length %.2f  clip %.3f  loss %.4f  "
           "%.1f s (rollouts %.1f)  %.0f tokens/s  ETA %.0f:%02.0f",
           (long long)iteration, (long long)iterations, m->rollouts.reward, m->rollouts.reward_std, kl, means.entropy,
           m->rollouts.length, means.clip_low + means.clip_high, means.loss, m->step_s, m->collected_s,
           (double)m->rollouts.tokens / m->step_s, floor(left / 60), fmod(left, 60));
}

static json_t *group_json(const Learn *learn, const Group *group, int64_t iteration) {
  const Result *result = group->result;
  int image = result->image[group->index];
  json_t *captions = json_array(), *rewards = json_array(), *advantages = json_array();
  for (int c = result->image_start[group->index], g = 0; c < result->image_start[group->index + 1]; c++, g++) {
    int start = result->caption_start[c];
    char *text = vocabulary_text(learn->dataset->kind, learn->dataset->token, learn->dataset->vocabulary,
                                 result->token + start, result->caption_start[c + 1] - start);
    json_array_append_new(captions, json_text(text));
    json_array_append_new(rewards, json_number(result->reward[c]));
    json_array_append_new(advantages, json_number(learn->advantage[group->first_caption + g]));
    free(text);
  }
  return json_pack("{s:I, s:o, s:o, s:o, s:o}", "iteration", (json_int_t)iteration, "image",
                   json_text(learn->dataset->image_file[image]), "captions", captions, "rewards", rewards, "advantages",
                   advantages);
}

Status metrics_samples(const RunFolder *run, const Learn *learn, int64_t iteration, int groups) {
  for (int i = 0; i < groups && i < learn->groups; i++) {
    json_t *line = group_json(learn, &learn->group[i], iteration);
    Status status = run_append(run, "samples.jsonl", line);
    json_decref(line);
    TRY(status);
  }
  return OK;
}

void metrics_evaluation(const Result *const *results, int chunks, const Dataset *dataset, EvaluationScores *scores,
                        double *length) {
  ProfileBegin began = profile_begin();
  int count = 0;
  for (int k = 0; k < chunks; k++) count += results[k]->images;
  int32_t *images = xcalloc((size_t)count, sizeof *images);
  char **texts = xcalloc((size_t)count, sizeof *texts);
  int at = 0;
  for (int k = 0; k < chunks; k++) {
    const Result *result = results[k];
    for (int i = 0; i < result->images; i++, at++) {
      int start = result->caption_start[i], tokens = result->caption_start[i + 1] - start;
      images[at] = result->image[i];
      texts[at] = vocabulary_text(dataset->kind, dataset->token, dataset->vocabulary, result->token + start, tokens);
    }
  }
  caption_split_score(dataset, images, count, 1, texts, scores);
  *length = caption_split_words(texts, count);
  for (int i = 0; i < count; i++) free(texts[i]);
  free(texts);
  free(images);
  profile_end(PROFILE_REWARD, began, 0);
}

void metrics_evaluation_add(json_t *line, const EvaluationScores *scores, double length) {
  for (int m = 0; m < METRICS; m++) {
    if (!scores->present[m]) continue;
    char name[64];
    snprintf(name, sizeof name, "eval/%s", metric_name((Metric)m));
    put(line, name, scores->corpus[m]);
  }
  put(line, "eval/mean_length", length);
}
