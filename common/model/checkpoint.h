/* Checkpoint: everything a run needs to go on, and a captioner needs to caption, in one HDF5 file (attribute format =
 * "troupe-checkpoint"): weights/<name>, reference/<name>, optimizer/{m,v}/<name>, earlier/{1,2,..}/<name>, counters, resolved configuration, vocabulary,
 * hashes of dataset and encoder. Written atomically; every payload carries an own hash that loading verifies. */
#ifndef TROUPE_MODEL_CHECKPOINT_H
#define TROUPE_MODEL_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/data/vocabulary.h"
#include "common/model/params.h"

enum { CHECKPOINT_VERSION = 1, CHECKPOINT_EARLIER_MAX = 8 };

typedef struct Checkpoint {
  ModelShape shape;
  char stage[16];              /* "pretrain" or "train" */
  int64_t iteration;           /* finished iterations (stage 2) or optimiser steps (stage 1) */
  int64_t epoch, step, tokens; /* counters: epoch of stage 1, optimiser steps, tokens seen */
  int64_t captions;            /* decoded to learn from, greedy baselines included (stage 2) */
  int64_t reference_version;
  uint64_t seed;
  double best;                                    /* best dev CIDEr known when it was written, NaN = none */
  int64_t best_iteration;                         /* of `best` if there is one; -1 = not known (older files) */
  float *weights, *reference, *moment1, *moment2; /* blocks by params.h, owned; any but weights may be NULL */
  /* [earlier_count] policies of the iterations before: earlier[i] is version iteration - 1 - i (actors.lag). Owned. */
  float *earlier[CHECKPOINT_EARLIER_MAX];
  int earlier_count;
  char *config; /* resolved YAML, owned */
  VocabularyKind kind;
  char **token; /* [shape.vocabulary], owned */
  char dataset_hash[HASH_TEXT], encoder[64], encoder_hash[HASH_TEXT], preprocessing[256];
  char weights_hash[HASH_TEXT]; /* of the weights' values by name; filled by save and load */
} Checkpoint;

/* Writes atomically (borrows everything, fills weights_hash). Errors: disk full, unwritable: nothing under `path` changes. */
Status checkpoint_save(Checkpoint *checkpoint, const ParamTable *table, const char *path);

/* Reads and verifies; lays out `table` from the shape found. With weights_only all other blocks stay NULL.
 * Both are owned by the caller. Errors name the file and what is wrong: BAD_INPUT (not a checkpoint, newer version,
 * truncated), FAILED (a payload whose hash does not fit). */
Status checkpoint_load(Checkpoint *checkpoint, ParamTable *table, const char *path, int weights_only);
void checkpoint_free(Checkpoint *checkpoint); /* idempotent */

/* Is it a checkpoint that a newer version of this program wrote? Keeps status_message() when not; else that says so. */
bool checkpoint_is_newer(const char *path);

/* Hash of a block by the table's names, shapes and values (gaps left out). */
void checkpoint_weights_hash(const ParamTable *table, const float *weights, char text[HASH_TEXT]);

#endif
