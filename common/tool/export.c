/* troupe export and troupe import: a checkpoint's weights as safetensors, which PyTorch and others read, and back; or its model
 * as a graph of ONNX. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arguments.h"
#include "common/base/log.h"
#include "common/model/checkpoint_json.h"
#include "common/tool/onnx.h"
#include "common/tool/verbs.h"
#include "common/vision/safetensors.h"
#include "common/vision/safetensors_write.h"

static const char *const export_usage =
    "usage: troupe export CHECKPOINT [--safetensors FILE] [--onnx FILE]\n\n"
    "Writes the weights of a checkpoint as safetensors (float32, under the names that they have in the checkpoint), with\n"
    "everything that a captioner needs besides (model, vocabulary, configuration) in the file's metadata;\n"
    "deploy/interop/troupe_torch.py reads it into PyTorch.\n\n"
    "--onnx writes the same as a graph that ONNX Runtime runs: from features of pictures and tokens, the start token\n"
    "first, to log-probabilities of what follows each token; deploy/interop/troupe_onnx.py captions with it.\n";
static const char *const import_usage =
    "usage: troupe import FILE --out CHECKPOINT [--like CHECKPOINT]\n\n"
    "Makes a checkpoint of a safetensors file: what `troupe export` wrote, its numbers perhaps changed by another tool. A\n"
    "file without troupe's metadata takes model, vocabulary and configuration from --like. It captions, is evaluated, and\n"
    "is a policy.init; a run is not resumed from it, for the optimizer's state is not there.\n";

static SafetensorsEntry *entries_new(const ParamTable *table, const float *weights) {
  SafetensorsEntry *entry = xcalloc((size_t)table->count, sizeof *entry);
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    entry[r] = (SafetensorsEntry){row->name, param_rank(row), {row->rows, row->columns}, weights + row->offset};
  }
  return entry;
}

static Status safetensors_export(const char *path, const ParamTable *table, const float *weights,
                                 const json_t *metadata) {
  SafetensorsEntry *entry = entries_new(table, weights);
  Status status = safetensors_write(path, entry, table->count, metadata);
  free(entry);
  return status;
}

static Status export_run(const char *path, const char *safetensors, const char *onnx) {
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  Status status = checkpoint_load(&checkpoint, &table, path, 1);
  if (status == OK) {
    json_t *metadata = checkpoint_metadata(&checkpoint);
    if (safetensors) status = safetensors_export(safetensors, &table, checkpoint.weights, metadata);
    if (status == OK && onnx) status = onnx_write(onnx, &table, checkpoint.weights, metadata);
    json_decref(metadata);
  }
  if (status == OK && safetensors)
    log_info("%s: %d tensors, weights %s", safetensors, table.count, checkpoint.weights_hash);
  if (status == OK && onnx) log_info("%s: a graph with weights %s", onnx, checkpoint.weights_hash);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

static Status weights_take(const Safetensors *tensors, const char *path, const ParamTable *table, float *weights) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    int shape[2] = {row->rows, row->columns};
    float *values = weights + row->offset;
    TRY(safetensors_floats(tensors, row->name, param_rank(row), shape, values));
    for (size_t i = 0; i < row->count; i++)
      if (!isfinite(values[i]))
        return status_set(BAD_INPUT, "%s: tensor %s holds %g; finite numbers were expected", path, row->name,
                          (double)values[i]);
  }
  return OK;
}

/* The model and all that is said of it: by the file, or by another checkpoint. */
static Status header_take(const Safetensors *tensors, const char *path, const char *like, Checkpoint *checkpoint,
                          ParamTable *table) {
  if (like) return checkpoint_load(checkpoint, table, like, 1);
  TRY(checkpoint_from_metadata(checkpoint, path, safetensors_metadata(tensors, "troupe"),
                               safetensors_metadata(tensors, "troupe.config")));
  if (params_init(table, &checkpoint->shape) != OK) return status_prefix(BAD_INPUT, "%s", path);
  return OK;
}

static Status import_run(const char *path, const char *out, const char *like) {
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  Safetensors *tensors = NULL;
  Status status = safetensors_open(&tensors, path);
  if (status == OK) status = header_take(tensors, path, like, &checkpoint, &table);
  if (status == OK) {
    if (!checkpoint.weights) checkpoint.weights = params_block(&table);
    status = weights_take(tensors, path, &table, checkpoint.weights);
  }
  if (status == OK) status = checkpoint_save(&checkpoint, &table, out);
  if (status == OK) log_info("%s: weights %s", out, checkpoint.weights_hash);
  safetensors_close(tensors);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

static Status one_file(int argc, int first, const char *what) {
  if (argc - first == 1) return OK;
  return status_set(BAD_INPUT, "one %s was expected, not %d; see --help", what, argc - first);
}

static int done(Status status) {
  if (status != OK) log_error("%s", status_message());
  return status;
}

int verb_export(int argc, char **argv) {
  const char *safetensors = NULL, *onnx = NULL;
  int first;
  const Argument table[] = {
      {"safetensors", 0, ARGUMENT_TEXT, &safetensors, 0, 0, "FILE", "the file to write"},
      {"onnx", 0, ARGUMENT_TEXT, &onnx, 0, 0, "FILE", "the file to write, as a graph"},
      {.name = NULL},
  };
  Status status = arguments_parse(export_usage, table, argc, argv, &first);
  if (status == OK && !first) return OK;
  if (status == OK) status = one_file(argc, first, "CHECKPOINT");
  if (status == OK && !safetensors && !onnx)
    status = status_set(BAD_INPUT, "--safetensors FILE or --onnx FILE was expected; see --help");
  if (status == OK) status = export_run(argv[first], safetensors, onnx);
  return done(status);
}

int verb_import(int argc, char **argv) {
  const char *out = NULL, *like = NULL;
  int first;
  const Argument table[] = {
      {"out", 0, ARGUMENT_TEXT, &out, 0, 0, "CHECKPOINT", "the checkpoint to write"},
      {"like", 0, ARGUMENT_TEXT, &like, 0, 0, "CHECKPOINT", "its model, vocabulary and configuration"},
      {.name = NULL},
  };
  Status status = arguments_parse(import_usage, table, argc, argv, &first);
  if (status == OK && !first) return OK;
  if (status == OK) status = one_file(argc, first, "safetensors FILE");
  if (status == OK && !out) status = status_set(BAD_INPUT, "--out CHECKPOINT was expected; see --help");
  if (status == OK) status = import_run(argv[first], out, like);
  return done(status);
}
