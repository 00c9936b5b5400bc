/* troupe inspect: says what a dataset, a checkpoint or a run folder holds, and verifies its hashes. */
#include "common/tool/inspect.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"
#include "common/data/dataset.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"
#include "common/model/checkpoint.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe inspect FILE [--json]\n\n"
    "Says what a dataset, a checkpoint or a run folder holds, and verifies every hash in it.\n"
    "Exit code 0: all is well; 1: a hash does not fit, the file is damaged; 2: not a file of troupe's, or cut short.\n";

static void set(json_t *facts, const char *key, json_t *value) { json_object_set_new(facts, key, value); }

/* Bytes from files need not be UTF-8: then the JSON says so. */
static json_t *text(const char *bytes) {
  json_t *value = json_string(bytes);
  return value ? value : json_string("(not UTF-8)");
}

static void add_file(json_t *facts, const char *path) {
  struct stat info;
  if (stat(path, &info) == 0) set(facts, "bytes", json_integer(info.st_size));
}

Status inspect_dataset(const char *path, json_t *facts) {
  Dataset dataset;
  TRY(dataset_open(&dataset, path, true));
  set(facts, "format_version", json_integer(DATASET_VERSION));
  set(facts, "images", json_integer(dataset.images));
  json_t *splits = json_object();
  for (int i = 0; i < dataset.images; i++) {
    json_t *count = json_object_get(splits, dataset.image_split[i]);
    if (count) json_integer_set(count, json_integer_value(count) + 1);
    else set(splits, dataset.image_split[i], json_integer(1));
  }
  set(facts, "splits", splits);
  set(facts, "captions", json_integer(dataset.captions));
  set(facts, "vocabulary", text(vocabulary_kind_name(dataset.kind)));
  set(facts, "vocabulary_size", json_integer(dataset.vocabulary));
  set(facts, "max_length", json_integer(dataset.token_stride));
  set(facts, "cells", json_integer(dataset.cells));
  if (dataset.image_cells) {
    long cells = 0;
    for (int i = 0; i < dataset.images; i++) cells += dataset.image_cells[i];
    set(facts, "cells_mean", json_real((double)cells / (double)(dataset.images ? dataset.images : 1)));
  }
  set(facts, "features", json_integer(dataset.features));
  set(facts, "ngrams", json_integer((json_int_t)dataset.ngrams));
  set(facts, "ngram_documents", json_integer(dataset.ngram_documents));
  set(facts, "encoder", text(dataset.encoder));
  set(facts, "encoder_hash", text(dataset.encoder_hash));
  set(facts, "preprocessing", text(dataset.preprocessing));
  set(facts, "content_hash", text(dataset.content_hash));
  add_file(facts, path);
  dataset_close(&dataset);
  return OK;
}

static json_t *model_facts(const ModelShape *shape) {
  return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:s,s:s,s:b}", "d_model", shape->width, "heads", shape->heads,
                   "d_ff", shape->feed_forward, "enc_layers", shape->encoder_layers, "dec_layers",
                   shape->decoder_layers, "cells", shape->cells, "features", shape->features, "positions",
                   shape->positions, "norm", shape->norm == NORM_PRE ? "pre" : "post", "activation",
                   shape->activation == ACTIVATION_GELU ? "gelu" : "relu", "tied", (int)shape->tied);
}

Status inspect_checkpoint(const char *path, json_t *facts) {
  Checkpoint checkpoint;
  ParamTable table;
  TRY(checkpoint_load(&checkpoint, &table, path, 0));
  size_t parameters = 0;
  for (int r = 0; r < table.count; r++) parameters += table.rows[r].count;
  set(facts, "format_version", json_integer(CHECKPOINT_VERSION));
  set(facts, "stage", text(checkpoint.stage));
  set(facts, "iteration", json_integer(checkpoint.iteration));
  set(facts, "epoch", json_integer(checkpoint.epoch));
  set(facts, "step", json_integer(checkpoint.step));
  set(facts, "tokens", json_integer(checkpoint.tokens));
  set(facts, "best", json_number(checkpoint.best));
  set(facts, "seed", json_integer((json_int_t)checkpoint.seed));
  set(facts, "reference_version", json_integer(checkpoint.reference_version));
  set(facts, "weights_hash", text(checkpoint.weights_hash));
  set(facts, "parameters", json_integer((json_int_t)parameters));
  set(facts, "model", model_facts(&checkpoint.shape));
  set(facts, "reference", json_boolean(checkpoint.reference));
  set(facts, "optimizer", json_boolean(checkpoint.moment1 && checkpoint.moment2));
  set(facts, "vocabulary", text(vocabulary_kind_name(checkpoint.kind)));
  set(facts, "vocabulary_size", json_integer(checkpoint.shape.vocabulary));
  set(facts, "dataset_hash", text(checkpoint.dataset_hash));
  set(facts, "encoder", text(checkpoint.encoder));
  set(facts, "encoder_hash", text(checkpoint.encoder_hash));
  set(facts, "preprocessing", text(checkpoint.preprocessing));
  add_file(facts, path);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return OK;
}

/* Which of troupe's files is it? */
static Status inspect(const char *path, json_t *facts) {
  if (folder_exists(path)) {
    set(facts, "format", json_string("troupe-run"));
    return inspect_run(path, facts);
  }
  H5File file;
  char format[64];
  h5_guard_begin(path);
  Status status = h5_open(&file, path);
  Status found = status == OK ? h5_read_text(&file, "/", "format", format, sizeof format) : status;
  h5_close(&file);
  h5_guard_end();
  TRY(status);
  bool dataset = found == OK && strcmp(format, "troupe-dataset") == 0;
  if (!dataset && (found != OK || strcmp(format, "troupe-checkpoint") != 0))
    return status_set(BAD_INPUT, "%s: is HDF5 of another program; a dataset, a checkpoint or a run folder was expected",
                      path);
  set(facts, "format", json_string(format));
  return dataset ? inspect_dataset(path, facts) : inspect_checkpoint(path, facts);
}

enum { KEY_COLUMNS = 18, OBJECT_COLUMNS = 100 };

/* 10 digits: seconds since 1970 are whole. */
static char *value_text(const json_t *value) {
  if (json_is_string(value)) return xstrdup(*json_string_value(value) ? json_string_value(value) : "-");
  return json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
}

/* A line a key; an object that is too long for one has its own below it, as a list has its entries. */
static void print_facts(const json_t *facts, int indent) {
  const char *key;
  json_t *value, *entry;
  size_t k;
  int columns = KEY_COLUMNS;
  json_object_foreach((json_t *)facts, key, value) if ((int)strlen(key) > columns) columns = (int)strlen(key);
  json_object_foreach((json_t *)facts, key, value) {
    char *line = value_text(value);
    if (json_is_array(value)) {
      printf("%*s%s:\n", indent, "", key);
      json_array_foreach(value, k, entry) {
        char *one = value_text(entry);
        printf("%*s%s\n", indent + 2, "", one);
        free(one);
      }
    } else if (json_is_object(value) && strlen(line) > OBJECT_COLUMNS) {
      printf("%*s%s:\n", indent, "", key);
      print_facts(value, indent + 2);
    } else printf("%*s%-*s %s\n", indent, "", columns, key, line);
    free(line);
  }
}

static Status inspect_print(const char *path, bool as_json) {
  json_t *facts = json_pack("{s:o}", "file", text(path));
  Status status = inspect(path, facts);
  set(facts, "verified", json_boolean(status == OK));
  if (status != OK) set(facts, "error", text(status_message()));
  if (as_json) {
    char *line = json_dumps(facts, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    puts(line);
    free(line);
  } else if (status != BAD_INPUT) {
    print_facts(facts, 0);
  }
  json_decref(facts);
  return status;
}

int verb_inspect(int argc, char **argv) {
  bool as_json = false;
  int first;
  const Argument table[] = {{"json", 0, ARGUMENT_FLAG, &as_json, 0, 0, NULL, "the facts as JSON"}, {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && first && first + 1 != argc)
    status = status_set(BAD_INPUT, "one file or run folder was expected; see troupe inspect --help");
  if (status == OK && first) status = inspect_print(argv[first], as_json);
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
