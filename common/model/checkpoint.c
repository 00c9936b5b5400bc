/* Checkpoints in HDF5. Arrays: each has an attribute `hash` of its name, shape and bytes. Attributes: header_hash covers all
 * the others, the configuration and the vocabulary. */
#include "common/model/checkpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/seal.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"
#include "common/data/h5_vocabulary.h"
#include "common/model/shape.h"

static void payload_hash(const char *name, const Param *row, const float *values, char text[HASH_TEXT]) {
  Hasher *hasher = hash_begin();
  int32_t shape[2] = {row->rows, row->columns};
  hash_add_text(hasher, name);
  hash_add(hasher, shape, sizeof shape);
  hash_add(hasher, values, row->count * sizeof *values);
  hash_end(hasher, text);
}

void checkpoint_weights_hash(const ParamTable *table, const float *weights, char text[HASH_TEXT]) {
  Hasher *hasher = hash_begin();
  for (int r = 0; r < table->count; r++) {
    char one[HASH_TEXT];
    payload_hash(table->rows[r].name, &table->rows[r], weights + table->rows[r].offset, one);
    hash_add_text(hasher, one);
  }
  hash_end(hasher, text);
}

enum { EARLIER_NAME = 24, BLOCKS_TEXT = 64 + CHECKPOINT_EARLIER_MAX * EARLIER_NAME };

static const char *earlier_name(char name[EARLIER_NAME], int index) {
  snprintf(name, EARLIER_NAME, "earlier/%d", index + 1);
  return name;
}

/* The blocks of the file, by name: what the header says is there must be found, whatever happened to a name in the file. */
static void blocks_text(const Checkpoint *checkpoint, char text[BLOCKS_TEXT]) {
  char name[EARLIER_NAME];
  size_t at = (size_t)snprintf(text, BLOCKS_TEXT, "weights%s%s%s", checkpoint->reference ? " reference" : "",
                               checkpoint->moment1 ? " optimizer/m" : "", checkpoint->moment2 ? " optimizer/v" : "");
  for (int i = 0; i < checkpoint->earlier_count; i++)
    at += (size_t)snprintf(text + at, BLOCKS_TEXT - at, " %s", earlier_name(name, i));
}

static bool listed(const char *blocks, const char *name) {
  size_t length = strlen(name);
  for (const char *at = blocks; (at = strstr(at, name)); at += length)
    if ((at == blocks || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
  return false;
}

/* `blocks`: as in the file, "" when it has no such attribute. */
static void header_hash(const Checkpoint *checkpoint, const char *blocks, char text[HASH_TEXT]) {
  Hasher *hasher = hash_begin();
  const ModelShape *shape = &checkpoint->shape;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    int32_t value = shape_value(shape, &shape_rows[i]);
    hash_add(hasher, &value, sizeof value);
  }
  int64_t numbers[] = {shape->norm,
                       shape->activation,
                       shape->tied,
                       checkpoint->iteration,
                       checkpoint->epoch,
                       checkpoint->step,
                       checkpoint->tokens,
                       checkpoint->reference_version,
                       (int64_t)checkpoint->seed};
  hash_add(hasher, numbers, sizeof numbers);
  if (checkpoint->captions) hash_add(hasher, &checkpoint->captions, sizeof checkpoint->captions);
  double best = checkpoint->best == checkpoint->best ? checkpoint->best : -1e300; /* NaN has many bits */
  hash_add(hasher, &best, sizeof best);
  if (checkpoint->best_iteration >= 0) hash_add(hasher, &checkpoint->best_iteration, sizeof checkpoint->best_iteration);
  const char *texts[] = {checkpoint->stage,        checkpoint->config ? checkpoint->config : "",
                         checkpoint->dataset_hash, checkpoint->encoder,
                         checkpoint->encoder_hash, checkpoint->preprocessing,
                         checkpoint->weights_hash};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) hash_add_text(hasher, texts[i]);
  hash_add_vocabulary(hasher, checkpoint->kind, checkpoint->token, shape->vocabulary);
  if (*blocks) hash_add_text(hasher, blocks);
  hash_end(hasher, text);
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

static Status block_write(const H5File *file, const char *group, const ParamTable *table, const float *block) {
  for (int r = 0; block && r < table->count; r++) {
    const Param *row = &table->rows[r];
    char name[PARAM_NAME + 32], hash[HASH_TEXT];
    snprintf(name, sizeof name, "%s/%s", group, row->name);
    size_t shape[2] = {(size_t)row->rows, (size_t)row->columns};
    TRY(h5_write(file, name, H5_FLOAT, param_rank(row), shape, block + row->offset));
    payload_hash(name, row, block + row->offset, hash);
    TRY(h5_write_text(file, name, "hash", hash));
  }
  return OK;
}

static Status header_write(const H5File *file, const Checkpoint *checkpoint) {
  const ModelShape *shape = &checkpoint->shape;
  const char *config = checkpoint->config ? checkpoint->config : "";
  TRY(h5_write_texts(file, "config", (char *const[]){(char *)config}, 1));
  TRY(h5_write_vocabulary(file, checkpoint->kind, checkpoint->token, (size_t)shape->vocabulary));
  for (int i = 0; i < SHAPE_COUNT; i++)
    TRY(h5_write_integer(file, "weights", shape_rows[i].name, shape_value(shape, &shape_rows[i])));
  TRY(h5_write_text(file, "weights", "norm", shape_norm_names[shape->norm]));
  TRY(h5_write_text(file, "weights", "activation", shape_activation_names[shape->activation]));
  TRY(h5_write_integer(file, "weights", "tied", shape->tied));
  TRY(h5_write_text(file, "/", "stage", checkpoint->stage));
  TRY(h5_write_integer(file, "/", "iteration", checkpoint->iteration));
  TRY(h5_write_integer(file, "/", "epoch", checkpoint->epoch));
  TRY(h5_write_integer(file, "/", "step", checkpoint->step));
  TRY(h5_write_integer(file, "/", "tokens", checkpoint->tokens));
  TRY(h5_write_integer(file, "/", "captions", checkpoint->captions));
  TRY(h5_write_integer(file, "/", "reference_version", checkpoint->reference_version));
  TRY(h5_write_integer(file, "/", "seed", (int64_t)checkpoint->seed));
  TRY(h5_write_real(file, "/", "best", checkpoint->best));
  if (checkpoint->best_iteration >= 0) TRY(h5_write_integer(file, "/", "best_iteration", checkpoint->best_iteration));
  TRY(h5_write_text(file, "/", "dataset_hash", checkpoint->dataset_hash));
  TRY(h5_write_text(file, "/", "encoder", checkpoint->encoder));
  TRY(h5_write_text(file, "/", "encoder_hash", checkpoint->encoder_hash));
  TRY(h5_write_text(file, "/", "preprocessing", checkpoint->preprocessing));
  TRY(h5_write_text(file, "/", "weights_hash", checkpoint->weights_hash));
  char hash[HASH_TEXT], blocks[BLOCKS_TEXT];
  blocks_text(checkpoint, blocks);
  TRY(h5_write_text(file, "/", "blocks", blocks));
  header_hash(checkpoint, blocks, hash);
  TRY(h5_write_text(file, "/", "header_hash", hash));
  TRY(h5_write_text(file, "/", "format", "troupe-checkpoint"));
  return h5_write_integer(file, "/", "format_version", CHECKPOINT_VERSION);
}

static Status content_write(const H5File *file, const Checkpoint *checkpoint, const ParamTable *table) {
  TRY(block_write(file, "weights", table, checkpoint->weights));
  TRY(block_write(file, "reference", table, checkpoint->reference));
  TRY(block_write(file, "optimizer/m", table, checkpoint->moment1));
  TRY(block_write(file, "optimizer/v", table, checkpoint->moment2));
  for (int i = 0; i < checkpoint->earlier_count; i++) {
    char group[EARLIER_NAME];
    TRY(block_write(file, earlier_name(group, i), table, checkpoint->earlier[i]));
  }
  return header_write(file, checkpoint);
}

Status checkpoint_save(Checkpoint *checkpoint, const ParamTable *table, const char *path) {
  CHECK(checkpoint->weights && checkpoint->token);
  checkpoint->shape = table->shape;
  checkpoint_weights_hash(table, checkpoint->weights, checkpoint->weights_hash);
  char *temporary = file_temporary(path);
  H5File file;
  Status status = h5_create(&file, temporary, path);
  if (status == OK) {
    status = content_write(&file, checkpoint, table);
    if (status == OK) status = h5_close(&file);
    else h5_abandon(&file);
  }
  if (status == OK) status = seal_add(temporary, path);
  if (status == OK) return file_commit(temporary, path);
  file_discard(temporary);
  return status;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

static Status choice_read(const H5File *file, const char *name, const char *const *names, int *value) {
  char text[16];
  TRY(h5_read_text(file, "weights", name, text, sizeof text));
  for (*value = 0; *value < 2; ++*value)
    if (strcmp(text, names[*value]) == 0) return OK;
  return status_set(BAD_INPUT, "%s: attribute %s is '%s'; '%s' or '%s' was expected", file->path, name, text, names[0],
                    names[1]);
}

static Status shape_read(const H5File *file, ModelShape *shape) {
  int64_t value;
  if (!h5_has(file, "weights"))
    return status_set(BAD_INPUT, "%s: has no group weights: the file is damaged; another checkpoint was expected",
                      file->path);
  for (int i = 0; i < SHAPE_COUNT; i++) {
    const ShapeRow *row = &shape_rows[i];
    TRY(h5_read_integer(file, "weights", row->name, &value));
    TRY(shape_set(shape, row, value, file->path));
  }
  int choice;
  TRY(choice_read(file, "norm", shape_norm_names, &choice));
  shape->norm = choice ? NORM_PRE : NORM_POST;
  TRY(choice_read(file, "activation", shape_activation_names, &choice));
  shape->activation = choice ? ACTIVATION_GELU : ACTIVATION_RELU;
  TRY(h5_read_integer(file, "weights", "tied", &value));
  shape->tied = value != 0;
  return OK;
}

static Status header_read(const H5File *file, Checkpoint *checkpoint) {
  int64_t seed;
  TRY(h5_read_text(file, "/", "stage", checkpoint->stage, sizeof checkpoint->stage));
  TRY(h5_read_integer(file, "/", "iteration", &checkpoint->iteration));
  TRY(h5_read_integer(file, "/", "epoch", &checkpoint->epoch));
  TRY(h5_read_integer(file, "/", "step", &checkpoint->step));
  TRY(h5_read_integer(file, "/", "tokens", &checkpoint->tokens));
  if (h5_read_integer(file, "/", "captions", &checkpoint->captions) != OK) checkpoint->captions = 0; /* not counted */
  TRY(h5_read_integer(file, "/", "reference_version", &checkpoint->reference_version));
  TRY(h5_read_integer(file, "/", "seed", &seed));
  checkpoint->seed = (uint64_t)seed;
  TRY(h5_read_real(file, "/", "best", &checkpoint->best));
  if (h5_read_integer(file, "/", "best_iteration", &checkpoint->best_iteration) != OK) checkpoint->best_iteration = -1;
  TRY(h5_read_text(file, "/", "dataset_hash", checkpoint->dataset_hash, sizeof checkpoint->dataset_hash));
  TRY(h5_read_text(file, "/", "encoder", checkpoint->encoder, sizeof checkpoint->encoder));
  TRY(h5_read_text(file, "/", "encoder_hash", checkpoint->encoder_hash, sizeof checkpoint->encoder_hash));
  TRY(h5_read_text(file, "/", "preprocessing", checkpoint->preprocessing, sizeof checkpoint->preprocessing));
  return h5_read_text(file, "/", "weights_hash", checkpoint->weights_hash, sizeof checkpoint->weights_hash);
}

static Status texts_read(const H5File *file, Checkpoint *checkpoint) {
  char **list;
  size_t count;
  TRY(h5_read_texts(file, "config", &list, &count));
  if (count == 1) checkpoint->config = xstrdup(list[0]);
  texts_free(list, count);
  if (count != 1) return status_set(BAD_INPUT, "%s: config holds %zu texts; one was expected", file->path, count);
  TRY(h5_read_vocabulary(file, &checkpoint->kind, &list, &count));
  if (count == (size_t)checkpoint->shape.vocabulary) {
    checkpoint->token = list;
    return OK;
  }
  texts_free(list, count);
  return status_set(BAD_INPUT, "%s: vocabulary/token has %zu entries; %d were expected", file->path, count,
                    checkpoint->shape.vocabulary);
}

/* Every array is there in the table's shape: checked before a block is allocated. */
static Status block_check(const H5File *file, const char *group, const ParamTable *table) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    char name[PARAM_NAME + 32];
    snprintf(name, sizeof name, "%s/%s", group, row->name);
    size_t shape[2] = {0, 1};
    TRY(h5_shape(file, name, H5_FLOAT, param_rank(row), shape));
    if (shape[0] != (size_t)row->rows || shape[1] != (size_t)row->columns)
      return status_set(BAD_INPUT, "%s: %s has shape %zu x %zu; %d x %d was expected", file->path, name, shape[0],
                        shape[1], row->rows, row->columns);
  }
  return OK;
}

static Status block_read(const H5File *file, const char *group, const ParamTable *table, float **block) {
  TRY(block_check(file, group, table));
  *block = params_block(table);
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    char name[PARAM_NAME + 32], stored[HASH_TEXT], found[HASH_TEXT];
    snprintf(name, sizeof name, "%s/%s", group, row->name);
    size_t shape[2] = {(size_t)row->rows, (size_t)row->columns};
    TRY(h5_read(file, name, H5_FLOAT, param_rank(row), shape, *block + row->offset));
    TRY(h5_read_text(file, name, "hash", stored, sizeof stored));
    payload_hash(name, row, *block + row->offset, found);
    if (strcmp(stored, found) != 0)
      return status_set(BAD_INPUT, "%s: %s does not fit its hash %s: the file is damaged", file->path, name, stored);
  }
  return OK;
}

/* A block that `blocks` lists; of an older file ("") one that is there. */
static Status block_take(const H5File *file, const char *blocks, const char *group, const ParamTable *table,
                         float **block) {
  if (*blocks ? !listed(blocks, group) : !h5_has(file, group)) return OK;
  return block_read(file, group, table, block);
}

static Status blocks_read(const H5File *file, const char *blocks, Checkpoint *checkpoint, const ParamTable *table) {
  TRY(block_take(file, blocks, "reference", table, &checkpoint->reference));
  TRY(block_take(file, blocks, "optimizer/m", table, &checkpoint->moment1));
  TRY(block_take(file, blocks, "optimizer/v", table, &checkpoint->moment2));
  char group[EARLIER_NAME];
  for (int i = 0; i < CHECKPOINT_EARLIER_MAX; i++) {
    TRY(block_take(file, blocks, earlier_name(group, i), table, &checkpoint->earlier[i]));
    if (!checkpoint->earlier[i]) break;
    checkpoint->earlier_count++;
  }
  return OK;
}

static Status content_read(const H5File *file, Checkpoint *checkpoint, ParamTable *table, int weights_only) {
  char stored[HASH_TEXT], found[HASH_TEXT], blocks[BLOCKS_TEXT];
  TRY(h5_check_format(file, "troupe-checkpoint", CHECKPOINT_VERSION));
  TRY(header_read(file, checkpoint));
  ModelShape shape = {0};
  TRY(shape_read(file, &shape));
  checkpoint->shape = shape;
  TRY(texts_read(file, checkpoint));
  if (h5_read_text(file, "/", "blocks", blocks, sizeof blocks) != OK) *blocks = 0; /* an older file */
  TRY(h5_read_text(file, "/", "header_hash", stored, sizeof stored));
  header_hash(checkpoint, blocks, found);
  if (strcmp(stored, found) != 0)
    return status_set(BAD_INPUT, "%s: the header does not fit its hash %s: the file is damaged", file->path, stored);
  if (params_init(table, &shape) != OK) return status_prefix(BAD_INPUT, "%s", file->path);
  TRY(block_read(file, "weights", table, &checkpoint->weights));
  checkpoint_weights_hash(table, checkpoint->weights, found);
  if (strcmp(checkpoint->weights_hash, found) != 0)
    return status_set(BAD_INPUT, "%s: the weights do not fit their hash %s: the file is damaged", file->path,
                      checkpoint->weights_hash);
  return weights_only ? OK : blocks_read(file, blocks, checkpoint, table);
}

bool checkpoint_is_newer(const char *path) {
  char *message = xstrdup(status_message());
  H5File file;
  bool newer = false;
  if (h5_open(&file, path) == OK) {
    newer = h5_check_format(&file, "troupe-checkpoint", H5_VERSION_MAX) == OK &&
            h5_check_format(&file, "troupe-checkpoint", CHECKPOINT_VERSION) == BAD_INPUT;
    h5_close(&file);
  }
  if (!newer) status_set(FAILED, "%s", message);
  free(message);
  return newer;
}

Status checkpoint_load(Checkpoint *checkpoint, ParamTable *table, const char *path, int weights_only) {
  *checkpoint = (Checkpoint){0};
  *table = (ParamTable){0};
  H5File file;
  if (!file_exists(path)) return status_set(BAD_INPUT, "%s: no such file; a checkpoint was expected", path);
  h5_guard_begin(path);
  Status status = h5_open(&file, path);
  if (status == OK) status = content_read(&file, checkpoint, table, weights_only);
  h5_close(&file);
  h5_guard_end();
  if (status != OK) {
    checkpoint_free(checkpoint);
    params_free(table);
  }
  return status;
}

void checkpoint_free(Checkpoint *checkpoint) {
  free(checkpoint->weights);
  free(checkpoint->reference);
  free(checkpoint->moment1);
  free(checkpoint->moment2);
  for (int i = 0; i < CHECKPOINT_EARLIER_MAX; i++) free(checkpoint->earlier[i]);
  free(checkpoint->config);
  texts_free(checkpoint->token, (size_t)checkpoint->shape.vocabulary);
  *checkpoint = (Checkpoint){0};
}
