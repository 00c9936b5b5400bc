/* A checkpoint's header as texts, and back. */
#include "common/model/checkpoint_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/model/shape.h"

enum { METADATA_VERSION = 1 };

/* Texts of the header and where they stand. */
#define TEXTS(checkpoint)                                                                  \
  {                                                                                        \
    {"stage", (checkpoint)->stage, sizeof(checkpoint)->stage},                             \
        {"dataset_hash", (checkpoint)->dataset_hash, HASH_TEXT},                           \
        {"encoder", (checkpoint)->encoder, sizeof(checkpoint)->encoder},                   \
        {"encoder_hash", (checkpoint)->encoder_hash, HASH_TEXT},                           \
        {"preprocessing", (checkpoint)->preprocessing, sizeof(checkpoint)->preprocessing}, \
        {"weights_hash", (checkpoint)->weights_hash, HASH_TEXT},                           \
  }
#define NUMBERS(checkpoint)                                                                                  \
  {                                                                                                          \
    {"iteration", &(checkpoint)->iteration}, {"epoch", &(checkpoint)->epoch}, {"step", &(checkpoint)->step}, \
        {"tokens", &(checkpoint)->tokens}, {"captions", &(checkpoint)->captions},                            \
        {"reference_version", &(checkpoint)->reference_version},                                             \
  }

json_t *checkpoint_metadata(const Checkpoint *c) {
  json_t *root = json_object(), *vocabulary = json_array();
  const struct {
    const char *name, *text;
    size_t size;
  } texts[] = TEXTS(c);
  const struct {
    const char *name;
    const int64_t *value;
  } numbers[] = NUMBERS(c);
  json_object_set_new(root, "version", json_integer(METADATA_VERSION));
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    json_object_set_new(root, texts[i].name, json_text(texts[i].text));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    json_object_set_new(root, numbers[i].name, json_integer(*numbers[i].value));
  for (int i = 0; i < SHAPE_COUNT; i++)
    json_object_set_new(root, shape_rows[i].name, json_integer(shape_value(&c->shape, &shape_rows[i])));
  json_object_set_new(root, "norm", json_string(shape_norm_names[c->shape.norm]));
  json_object_set_new(root, "activation", json_string(shape_activation_names[c->shape.activation]));
  json_object_set_new(root, "tied", json_boolean(c->shape.tied));
  json_object_set_new(root, "seed", json_integer((json_int_t)c->seed));
  json_object_set_new(root, "best", json_number(c->best));
  json_object_set_new(root, "vocabulary_kind", json_string(vocabulary_kind_name(c->kind)));
  for (int v = 0; v < c->shape.vocabulary; v++) json_array_append_new(vocabulary, json_text(c->token[v]));
  json_object_set_new(root, "tokens_by_id", vocabulary);
  char *about = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
  json_t *metadata =
      json_pack("{s:s, s:s, s:s}", "format", "pt", "troupe", about, "troupe.config", c->config ? c->config : "");
  free(about);
  json_decref(root);
  return metadata;
}

/* --- back ---------------------------------------------------------------------------------------------------------- */

static Status text_take(const json_t *root, const char *path, const char *name, char *to, size_t size) {
  const char *text = json_string_value(json_object_get(root, name));
  if (!text || strlen(text) >= size)
    return status_set(BAD_INPUT, "%s: metadata troupe: %s: a text of at most %zu bytes was expected", path, name,
                      size - 1);
  snprintf(to, size, "%s", text);
  return OK;
}

static Status number_take(const json_t *root, const char *path, const char *name, int64_t *value) {
  const json_t *number = json_object_get(root, name);
  if (!json_is_integer(number))
    return status_set(BAD_INPUT, "%s: metadata troupe: %s: a whole number was expected", path, name);
  *value = json_integer_value(number);
  return OK;
}

static Status choice_take(const json_t *root, const char *path, const char *name, const char *const names[2],
                          int *value) {
  const char *text = json_string_value(json_object_get(root, name));
  for (*value = 0; text && *value < 2; ++*value)
    if (strcmp(text, names[*value]) == 0) return OK;
  return status_set(BAD_INPUT, "%s: metadata troupe: %s: '%s' or '%s' was expected", path, name, names[0], names[1]);
}

static Status shape_take(const json_t *root, const char *path, ModelShape *shape) {
  for (int i = 0; i < SHAPE_COUNT; i++) {
    int64_t value = 0;
    TRY(number_take(root, path, shape_rows[i].name, &value));
    TRY(shape_set(shape, &shape_rows[i], value, path));
  }
  int norm, activation;
  TRY(choice_take(root, path, "norm", shape_norm_names, &norm));
  TRY(choice_take(root, path, "activation", shape_activation_names, &activation));
  shape->norm = (NormPlace)norm, shape->activation = (Activation)activation;
  shape->tied = json_is_true(json_object_get(root, "tied"));
  return OK;
}

static Status vocabulary_take(const json_t *root, const char *path, Checkpoint *c, int size) {
  const json_t *list = json_object_get(root, "tokens_by_id");
  const char *kind = json_string_value(json_object_get(root, "vocabulary_kind"));
  if (!kind || !vocabulary_kind_find(kind, &c->kind))
    return status_set(BAD_INPUT, "%s: metadata troupe: vocabulary_kind: words, wordpiece or bpe was expected", path);
  if (json_array_size(list) != (size_t)size)
    return status_set(BAD_INPUT, "%s: metadata troupe: tokens_by_id has %zu entries; vocabulary is %d", path,
                      json_array_size(list), size);
  c->token = xcalloc((size_t)size, sizeof *c->token);
  c->shape.vocabulary = size; /* what checkpoint_free goes by */
  for (int v = 0; v < size; v++) {
    const char *token = json_string_value(json_array_get(list, (size_t)v));
    if (!token) return status_set(BAD_INPUT, "%s: metadata troupe: tokens_by_id[%d]: a text was expected", path, v);
    c->token[v] = xstrdup(token);
  }
  return OK;
}

static Status header_take(const json_t *root, const char *path, Checkpoint *c) {
  int64_t version = 0, seed = 0;
  struct {
    const char *name;
    char *text;
    size_t size;
  } texts[] = TEXTS(c);
  struct {
    const char *name;
    int64_t *value;
  } numbers[] = NUMBERS(c);
  TRY(number_take(root, path, "version", &version));
  if (version != METADATA_VERSION)
    return status_set(BAD_INPUT, "%s: metadata troupe of version %lld; %d was expected", path, (long long)version,
                      METADATA_VERSION);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    TRY(text_take(root, path, texts[i].name, texts[i].text, texts[i].size));
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    TRY(number_take(root, path, numbers[i].name, numbers[i].value));
  TRY(number_take(root, path, "seed", &seed));
  c->seed = (uint64_t)seed;
  const json_t *best = json_object_get(root, "best");
  c->best = json_is_number(best) ? json_number_value(best) : NAN;
  ModelShape shape = {0};
  TRY(shape_take(root, path, &shape));
  TRY(vocabulary_take(root, path, c, shape.vocabulary));
  c->shape = shape;
  return OK;
}

Status checkpoint_from_metadata(Checkpoint *checkpoint, const char *path, const char *about, const char *config) {
  *checkpoint = (Checkpoint){0};
  if (!about || !config)
    return status_set(BAD_INPUT, "%s: has no metadata 'troupe' and 'troupe.config'; troupe export writes them", path);
  json_error_t error;
  json_t *root = json_loads(about, JSON_REJECT_DUPLICATES, &error);
  Status status = json_is_object(root) ? header_take(root, path, checkpoint)
                                       : status_set(BAD_INPUT, "%s: metadata troupe is not a JSON object", path);
  json_decref(root);
  if (status == OK) checkpoint->config = xstrdup(config);
  return status;
}
