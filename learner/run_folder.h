/* Run folder: what a run leaves on disk: config.yaml, metrics.jsonl, samples.jsonl, status.json, checkpoints. One
 * learner at a time holds it. */
#ifndef TROUPE_LEARNER_RUN_FOLDER_H
#define TROUPE_LEARNER_RUN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/json.h"
#include "common/config/config.h"
#include "common/model/checkpoint.h"

typedef struct RunFolder {
  char *path, *checkpoints, *events; /* owned; events: TensorBoard's file of this start */
  int keep;
  int lock; /* file descriptor that holds the lock, -1 = none */
} RunFolder;

/* Creates and locks the folder and clears checkpoints half written. Errors: BAD_INPUT another learner holds it, or it holds
 * checkpoints and run.resume is never (in both cases run->lock is -1); FAILED it cannot be written. */
Status run_open(RunFolder *run, const Config *config, const char *stage);

/* Writes config.yaml, once it is known that the folder's checkpoints fit the configuration. */
Status run_configure(const RunFolder *run, const Config *config);
void run_close(RunFolder *run); /* idempotent */

/* The newest checkpoint that verifies, with moments and reference; *found false when there is none. A broken one is
 * warned of and renamed NNNNNN.h5.broken, and the one before it is taken. Errors: checkpoints are there and none
 * verifies (the last one tried keeps its name). best.h5 is put right where a kill left it behind. */
Status run_resume(const RunFolder *run, Checkpoint *checkpoint, ParamTable *table, bool *found);

/* Drops the lines of metrics.jsonl and samples.jsonl that are past `iteration`, and the evaluation that stands on a line of
 * its own at `iteration`: they will be written again. */
Status run_rewind(const RunFolder *run, int64_t iteration);

/* Saves checkpoints/NNNNNN.h5, points `latest` (and, when best, best.h5) at it and removes old ones. */
Status run_checkpoint(const RunFolder *run, Checkpoint *checkpoint, const ParamTable *table, bool best);
/* Points best.h5 at the checkpoint of `iteration`, which is there. */
Status run_best(const RunFolder *run, int64_t iteration);

Status run_append(const RunFolder *run, const char *file, const json_t *line);

/* An iteration's line: to metrics.jsonl and, as scalars, to TensorBoard's event file. */
Status run_metrics(const RunFolder *run, const json_t *line);

typedef struct RunStatus {
  const char *phase; /* "starting", "running", "finished", "stopped", "failed" */
  int64_t iteration, iterations;
  int exit; /* -1 = not yet */
  int alive, lost;
  const char *message, *weights_hash; /* or NULL */
} RunStatus;

Status run_status(const RunFolder *run, const RunStatus *status);

#endif
