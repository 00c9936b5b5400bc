/* Rollout: decode, reward, reference. */
#include "actor/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/profile.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"

static bool with_baseline(const Config *config) { return strcmp(config->policy.advantage, "scst") == 0; }

static RewardConfig reward_options(const Config *config) {
  RewardConfig options = reward_config_default();
  options.weight[REWARD_CIDER_D] = config->rewards.cider_d;
  options.weight[REWARD_CIDER] = config->rewards.cider;
  options.weight[REWARD_BLEU4] = config->rewards.bleu4;
  options.weight[REWARD_ROUGE_L] = config->rewards.rouge_l;
  options.weight[REWARD_METEOR] = config->rewards.meteor;
  options.weight[REWARD_LENGTH] = config->rewards.length;
  options.weight[REWARD_REPETITION] = config->rewards.repetition;
  options.weight[REWARD_NO_EOS] = config->rewards.no_eos;
  options.include_eos = config->rewards.include_eos;
  options.length_target = config->rewards.length_target;
  options.repetition_order = config->rewards.repetition_n;
  return options;
}

static Status reward_open(Rollout *rollout) {
  const Config *config = rollout->config;
  const Dataset *dataset = rollout->dataset;
  TRY(caption_split_frequencies(dataset, &rollout->df));
  RewardConfig options = reward_options(config);
  options.kind = dataset->kind;
  if (options.weight[REWARD_METEOR] != 0 && meteor_data_absent())
    return status_set(BAD_INPUT, "rewards.meteor.weight: %s", meteor_data_absent());
  bool batch_df = strcmp(config->rewards.df, "batch") == 0;
  reward_init(&rollout->reward, &options, dataset->vocabulary, (const char *const *)dataset->token,
              batch_df ? NULL : &rollout->df);
  for (int i = 0; i < dataset->images; i++) {
    int first = dataset->image_first[i], count = dataset->image_first[i + 1] - first;
    if (count && strcmp(dataset->image_split[i], config->data.train) == 0)
      reward_add_image(&rollout->reward, i, (const char *const *)(dataset->words + first), count);
  }
  Status status = reward_check(&rollout->reward);
  return status == OK ? OK : status_prefix(status, "%s: rewards", dataset->path);
}

Status rollout_init(Rollout *rollout, const Config *config, Dataset *dataset, const ParamTable *table) {
  *rollout = (Rollout){.config = config, .dataset = dataset, .table = table, .loaded = VERSION_NONE};
  int images = config->actors.chunk_images, captions = images * config->policy.group;
  int length = policy_max_length(config), tokens = captions * length;
  int rows = config->policy.group > config->evaluation.beam ? config->policy.group : config->evaluation.beam;
  decoder_init(&rollout->decoder, table, images, images * rows, length);
  captioner_init(&rollout->captioner, table, images, captions, tokens, 0);
  captions_init(&rollout->samples, captions, length);
  captions_init(&rollout->greedy, images * config->evaluation.beam, length);
  rollout->features =
      xmalloc((size_t)images * (size_t)table->shape.cells * (size_t)table->shape.features * sizeof(float));
  rollout->input = xcalloc((size_t)tokens, sizeof(int32_t));
  return reward_open(rollout);
}

void rollout_free(Rollout *rollout) {
  decoder_free(&rollout->decoder);
  captioner_free(&rollout->captioner);
  captions_free(&rollout->samples);
  captions_free(&rollout->greedy);
  reward_free(&rollout->reward);
  ngram_df_free(&rollout->df);
  free(rollout->features);
  free(rollout->input);
  *rollout = (Rollout){0};
}

static Status features_read(Rollout *rollout, const Assignment *assignment) {
  size_t stride = (size_t)rollout->table->shape.cells * (size_t)rollout->table->shape.features;
  for (int i = 0; i < assignment->images; i++)
    TRY(dataset_features(rollout->dataset, assignment->image[i], rollout->features + (size_t)i * stride));
  return OK;
}

/* The samples, packed into the result, and the batch that reads them back. */
static void samples_pack(Rollout *rollout, const CaptionSet *set, int images, int group, Result *result) {
  int offset = 0;
  for (int c = 0; c < set->count; c++) {
    size_t row = (size_t)c * (size_t)set->max_length;
    int length = set->length[c];
    result->caption_start[c] = offset;
    result->finished[c] = set->finished[c];
    memcpy(result->token + offset, set->tokens + row, (size_t)length * sizeof(int32_t));
    memcpy(result->logp + offset, set->logp + row, (size_t)length * sizeof(float));
    rollout->input[offset] = TOKEN_START;
    memcpy(rollout->input + offset + 1, set->tokens + row, (size_t)(length - 1) * sizeof(int32_t));
    offset += length;
  }
  result->caption_start[set->count] = offset;
  for (int i = 0; i <= images; i++) result->image_start[i] = i * group;
}

static void reference_run(Rollout *rollout, const float *reference, Result *result) {
  CaptionBatch batch = {.images = result->images,
                        .captions = result->captions,
                        .tokens = result->tokens,
                        .features = rollout->features,
                        .image_start = result->image_start,
                        .caption_start = result->caption_start,
                        .input = rollout->input,
                        .target = result->token};
  TokenOutputs outputs = {.logp = result->reference_logp};
  captioner_forward(&rollout->captioner, reference, &batch, (float)rollout->config->sampling.temperature, NULL,
                    &outputs);
}

/* Rewards of `group` captions an image of a set, image-major. `components` may be NULL. */
static void rewards_run(Rollout *rollout, const Assignment *assignment, const CaptionSet *set, int group,
                        double *rewards, double *components) {
  const int32_t *tokens[256];
  for (int i = 0; i < assignment->images; i++) {
    int first = i * group;
    for (int g = 0; g < group; g++) tokens[g] = set->tokens + (size_t)(first + g) * (size_t)set->max_length;
    reward_score(&rollout->reward, assignment->image[i], group, tokens, set->length + first, set->finished + first,
                 rewards + first, components ? components + (size_t)first * REWARD_COMPONENTS : NULL);
  }
}

static int tokens_of(const CaptionSet *set) {
  int tokens = 0;
  for (int c = 0; c < set->count; c++) tokens += set->length[c];
  return tokens;
}

static double flops_of(const Rollout *rollout, const CaptionSet *set, int images) {
  return captioner_flops(&rollout->table->shape, images, set->count, tokens_of(set), (int)set->rows);
}

static Status evaluate_run(Rollout *rollout, const Assignment *assignment, const float *policy, Result *result) {
  BeamOptions search = policy_search(rollout->config);
  decoder_search(&rollout->decoder, policy, assignment->images, rollout->features, &search, &rollout->greedy);
  result_init(result, assignment->images, assignment->images, tokens_of(&rollout->greedy), 0, false, false);
  result_name(result, assignment);
  samples_pack(rollout, &rollout->greedy, assignment->images, 1, result);
  return OK;
}

Status rollout_run(Rollout *rollout, const Assignment *assignment, const float *policy, const float *reference,
                   Result *result) {
  const Config *config = rollout->config;
  int images = assignment->images, group = config->policy.group;
  if (images > config->actors.chunk_images)
    return status_set(FAILED, "a chunk of %d images was assigned; actors.chunk_images is %d", images,
                      config->actors.chunk_images);
  double began = clock_seconds();
  ProfileBegin profiled = profile_begin();
  TRY(features_read(rollout, assignment));
  if (rollout->loaded != assignment->policy_version) decoder_load(&rollout->decoder, policy);
  rollout->loaded = assignment->policy_version;
  if (assignment->work == WORK_EVALUATE) {
    Status status = evaluate_run(rollout, assignment, policy, result);
    profile_end(PROFILE_DECODE, profiled, flops_of(rollout, &rollout->greedy, images));
    return status;
  }

  SampleOptions options = policy_sampling(config);
  options.iteration = (uint32_t)assignment->iteration;
  bool baseline = with_baseline(config);
  decoder_sample(&rollout->decoder, policy, images, rollout->features, assignment->image, group, &options,
                 &rollout->samples);
  if (baseline) decoder_greedy(&rollout->decoder, policy, images, rollout->features, &options.rules, &rollout->greedy);
  result_init(result, images, images * group, tokens_of(&rollout->samples), REWARD_COMPONENTS, reference != NULL,
              baseline);
  result_name(result, assignment);
  samples_pack(rollout, &rollout->samples, images, group, result);
  double decoded = clock_seconds(), flops = flops_of(rollout, &rollout->samples, images);
  profile_end(PROFILE_DECODE, profiled, flops + (baseline ? flops_of(rollout, &rollout->greedy, images) : 0));
  profiled = profile_begin();

  if (strcmp(config->rewards.df, "batch") == 0) reward_unit_set(&rollout->reward, assignment->image, images);
  rewards_run(rollout, assignment, &rollout->samples, group, result->reward, result->component);
  if (baseline) rewards_run(rollout, assignment, &rollout->greedy, 1, result->baseline, NULL);
  double rewarded = clock_seconds();
  profile_end(PROFILE_REWARD, profiled, 0);
  profiled = profile_begin();

  if (reference) {
    reference_run(rollout, reference, result);
    profile_end(PROFILE_REFERENCE, profiled, flops);
  }
  result->kept_mass = rollout->samples.kept_mass;
  result->seconds[SECONDS_DECODE] = decoded - began;
  result->seconds[SECONDS_REWARD] = rewarded - decoded;
  result->seconds[SECONDS_REFERENCE] = clock_seconds() - rewarded;
  return OK;
}
