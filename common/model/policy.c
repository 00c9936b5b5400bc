/* Policy: shapes from the configuration, weights from a checkpoint, and checks that they fit. */
#include "common/model/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/config/resume.h"
#include "common/tensor/gemm.h"

#define UNWRITTEN_BIAS -1e4f

ModelShape policy_shape(const Config *config, const Dataset *dataset) {
  return (ModelShape){
      .vocabulary = dataset->vocabulary,
      .width = config->model.width,
      .heads = config->model.heads,
      .feed_forward = config->model.feed_forward,
      .encoder_layers = config->model.encoder_layers,
      .decoder_layers = config->model.decoder_layers,
      .cells = dataset->cells,
      .features = dataset->features,
      .positions = config->model.positions,
      .norm = strcmp(config->model.norm, "pre") == 0 ? NORM_PRE : NORM_POST,
      .activation = strcmp(config->model.activation, "gelu") == 0 ? ACTIVATION_GELU : ACTIVATION_RELU,
      .tied = config->model.tied,
  };
}

#define LIKE "; a dataset prepared like the one that it was trained on was expected"

Status policy_fits_dataset(const Checkpoint *checkpoint, const char *path, const Dataset *dataset) {
  const ModelShape *shape = &checkpoint->shape;
  if (shape->vocabulary != dataset->vocabulary)
    return status_set(BAD_INPUT, "%s: its vocabulary has %d tokens, that of %s %d" LIKE, path, shape->vocabulary,
                      dataset->path, dataset->vocabulary);
  if (checkpoint->kind != dataset->kind)
    return status_set(BAD_INPUT, "%s: its vocabulary is one of %s, that of %s one of %s" LIKE, path,
                      vocabulary_kind_name(checkpoint->kind), dataset->path, vocabulary_kind_name(dataset->kind));
  for (int v = 0; v < dataset->vocabulary; v++)
    if (strcmp(checkpoint->token[v], dataset->token[v]) != 0)
      return status_set(BAD_INPUT, "%s: token %d is '%s', in %s it is '%s'" LIKE, path, v, checkpoint->token[v],
                        dataset->path, dataset->token[v]);
  if (strcmp(checkpoint->encoder, dataset->encoder) != 0 ||
      strcmp(checkpoint->encoder_hash, dataset->encoder_hash) != 0)
    return status_set(BAD_INPUT, "%s: was trained on grids of encoder %s%s%s, %s holds those of %s%s%s" LIKE, path,
                      checkpoint->encoder, *checkpoint->encoder_hash ? " with weights " : "", checkpoint->encoder_hash,
                      dataset->path, dataset->encoder, *dataset->encoder_hash ? " with weights " : "",
                      dataset->encoder_hash);
  if (shape->cells != dataset->cells || shape->features != dataset->features)
    return status_set(BAD_INPUT, "%s: reads grids of %d x %d, %s holds grids of %d x %d" LIKE, path, shape->cells,
                      shape->features, dataset->path, dataset->cells, dataset->features);
  return OK;
}

Status policy_saw_dataset(const Checkpoint *checkpoint, const char *path, const Dataset *dataset) {
  if (strcmp(checkpoint->dataset_hash, dataset->content_hash) == 0) return OK;
  return status_set(BAD_INPUT,
                    "%s: was trained on a dataset of hash %s, that of %s is %s; the same dataset, or "
                    "another run.dir, was expected",
                    path, checkpoint->dataset_hash, dataset->path, dataset->content_hash);
}

/* The configuration kept in a checkpoint. config_free it whatever is returned. */
static Status config_kept(const Checkpoint *checkpoint, const char *path, Config *config) {
  config_init(config);
  char *name = xasprintf("%s: config", path);
  const char *text = checkpoint->config ? checkpoint->config : "";
  Status status = config_read_text(config, name, text, strlen(text));
  free(name);
  return status;
}

Status policy_resumes(const Checkpoint *checkpoint, const char *path, const char *stage, const Config *config,
                      const Dataset *dataset, bool tell) {
  if (strcmp(checkpoint->stage, stage) != 0)
    return status_set(BAD_INPUT, "%s: holds a run of stage %s; another run.dir was expected", path, checkpoint->stage);
  TRY(policy_fits_dataset(checkpoint, path, dataset));
  TRY(policy_saw_dataset(checkpoint, path, dataset));
  Config before;
  Status status = config_kept(checkpoint, path, &before);
  if (status == OK) {
    status = config_resumes(&before, config, stage, tell);
    if (status != OK) status_prefix(status, "%s", path);
  }
  config_free(&before);
  TRY(status);
  return policy_fits_config(checkpoint, path, config);
}

Status policy_fits_splits(const Config *config, const Dataset *dataset, const char *option, int images) {
  int32_t *list = NULL;
  int count = 0;
  TRY(dataset_split(dataset, config->data.train, &list, &count));
  free(list);
  if (images > count)
    return status_set(BAD_INPUT, "%s %d is above the %d images of split %s of %s; at most %d was expected", option,
                      images, count, config->data.train, dataset->path, count);
  if (!config->evaluation.every) return OK;
  TRY(dataset_split(dataset, config->data.validation, &list, &count));
  free(list);
  return OK;
}

#define SAME "; the checkpoint's value, or another policy.init, was expected"

Status policy_fits_config(const Checkpoint *checkpoint, const char *path, const Config *config) {
  const ModelShape *shape = &checkpoint->shape;
  static const char *const norms[] = {"post", "pre"}, *const activations[] = {"relu", "gelu"};
  static const char *const answers[] = {"false", "true"};
  const struct {
    const char *option;
    int found, wanted;
    const char *const *names; /* of the values; NULL: numbers */
  } rows[] = {
      {"model.d_model", shape->width, config->model.width, NULL},
      {"model.heads", shape->heads, config->model.heads, NULL},
      {"model.d_ff", shape->feed_forward, config->model.feed_forward, NULL},
      {"model.enc_layers", shape->encoder_layers, config->model.encoder_layers, NULL},
      {"model.dec_layers", shape->decoder_layers, config->model.decoder_layers, NULL},
      {"model.positions", shape->positions, config->model.positions, NULL},
      {"model.norm", shape->norm == NORM_PRE, strcmp(config->model.norm, "pre") == 0, norms},
      {"model.activation", shape->activation == ACTIVATION_GELU, strcmp(config->model.activation, "gelu") == 0,
       activations},
      {"model.tied", shape->tied, config->model.tied, answers},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int found = rows[i].found, wanted = rows[i].wanted;
    const char *const *names = rows[i].names;
    if (found == wanted) continue;
    if (names)
      return status_set(BAD_INPUT, "%s: its %s is %s, the configuration says %s" SAME, path, rows[i].option,
                        names[found], names[wanted]);
    return status_set(BAD_INPUT, "%s: its %s is %d, the configuration says %d" SAME, path, rows[i].option, found,
                      wanted);
  }
  return OK;
}

/* Tokens that no caption ever has lose their probability for good: exp(bias) is 0, and so is its gradient. */
static void unwritten_silence(const Config *config, const ParamTable *table, float *weights) {
  float *bias = weights + table->output.bias;
  bias[TOKEN_PAD] = bias[TOKEN_START] = UNWRITTEN_BIAS;
  if (config->sampling.forbid_unk) bias[TOKEN_UNKNOWN] = UNWRITTEN_BIAS;
}

Status policy_initial(const Config *config, const Dataset *dataset, ParamTable *table, float **weights) {
  *weights = NULL;
  if (strcmp(config->policy.init, "random") == 0) {
    ModelShape shape = policy_shape(config, dataset);
    TRY(params_init(table, &shape));
    *weights = params_block(table);
    params_initialise(table, config->run.seed, *weights);
    unwritten_silence(config, table, *weights);
    return OK;
  }
  char *path = config_initial_policy(config);
  Checkpoint checkpoint = {0};
  Status status = file_exists(path) ? checkpoint_load(&checkpoint, table, path, 1)
                                    : status_set(BAD_INPUT,
                                                 "%s: no such checkpoint; policy.init must name one of "
                                                 "stage 1 (troupe pretrain makes it)",
                                                 path);
  if (status == OK) status = policy_fits_dataset(&checkpoint, path, dataset);
  if (status == OK) status = policy_fits_config(&checkpoint, path, config);
  if (status == OK) {
    *weights = checkpoint.weights;
    checkpoint.weights = NULL;
    unwritten_silence(config, table, *weights);
  }
  checkpoint_free(&checkpoint);
  free(path);
  return status;
}

void policy_sign(Checkpoint *checkpoint, const Config *config, const Dataset *dataset) {
  checkpoint->config = config_text(config, false);
  checkpoint->seed = config->run.seed;
  checkpoint->kind = dataset->kind;
  checkpoint->token = dataset->token;
  snprintf(checkpoint->dataset_hash, sizeof checkpoint->dataset_hash, "%s", dataset->content_hash);
  snprintf(checkpoint->encoder, sizeof checkpoint->encoder, "%s", dataset->encoder);
  snprintf(checkpoint->encoder_hash, sizeof checkpoint->encoder_hash, "%s", dataset->encoder_hash);
  snprintf(checkpoint->preprocessing, sizeof checkpoint->preprocessing, "%s", dataset->preprocessing);
}

void policy_precision(const Config *config) {
  gemm_precision_set(strcmp(config->compute.precision, "bf16") == 0 ? PRECISION_BF16 : PRECISION_FLOAT32);
}

bool policy_reference(const Config *config) {
  return config->policy.beta != 0 && strcmp(config->policy.advantage, "scst") != 0;
}

int policy_lag(const Config *config) { return config->actors.lag + config->actors.max_lag; }

int policy_max_length(const Config *config) {
  return config->sampling.max_length ? config->sampling.max_length : config->model.max_length;
}

static DecodeRules rules_of(const Config *config) {
  return (DecodeRules){.min_length = config->sampling.min_length,
                       .no_repeat_ngram = config->sampling.no_repeat_ngram,
                       .allow_unknown = !config->sampling.forbid_unk};
}

SampleOptions policy_sampling(const Config *config) {
  return (SampleOptions){.temperature = (float)config->sampling.temperature,
                         .top_k = config->sampling.top_k,
                         .top_p = (float)config->sampling.top_p,
                         .rules = rules_of(config),
                         .seed = config->run.seed};
}

BeamOptions policy_search(const Config *config) {
  return (BeamOptions){.beam = config->evaluation.beam,
                       .groups = config->evaluation.beam_groups,
                       .diversity = (float)config->evaluation.diversity,
                       .length_penalty = (float)config->evaluation.length_penalty,
                       .rules = rules_of(config)};
}

Status policy_trained_config(const Checkpoint *checkpoint, const char *path, Config *config) {
  char *name = xasprintf("%s: config", path);
  const char *text = checkpoint->config ? checkpoint->config : "";
  config_init(config);
  Status status = config_read_text(config, name, text, strlen(text));
  if (status == OK && policy_max_length(config) > checkpoint->shape.positions)
    status = status_set(BAD_INPUT, "%s: %s is %d, but the model has %d positions; at most that was expected", name,
                        config->sampling.max_length ? "sampling.max_length" : "model.max_length",
                        policy_max_length(config), checkpoint->shape.positions);
  free(name);
  return status;
}
