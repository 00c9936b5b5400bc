/* Trainer: stage 2. Each iteration: actors roll out a set of images with policy version k, the learner turns the
 * groups' rewards into advantages and takes clipped, KL-regularised steps, and version k + 1 goes out. */
#ifndef TROUPE_LEARNER_TRAINER_H
#define TROUPE_LEARNER_TRAINER_H

#include "common/config/config.h"
#include "learner/images.h"
#include "learner/learn.h"
#include "learner/run_folder.h"
#include "proto/hub.h"

enum { BOUNDARY_BLOCKS = 4 }; /* weights, both moments, reference */

/* The state between two iterations, to go back to. */
typedef struct Boundary {
  float *block[BOUNDARY_BLOCKS]; /* owned */
  int64_t step, iteration, reference_version, tokens;
  double best;
} Boundary;

typedef struct Trainer {
  const Config *config; /* borrowed */
  RunFolder run;
  Dataset dataset;
  ParamTable table;
  Updater updater;
  Learn learn;
  Ledger ledger;
  ImageOrder order;
  Hub *hub;
  float *reference; /* block, owned */
  int64_t reference_version;
  int32_t *train, *validation;
  int train_count, validation_count;
  int64_t iteration, iterations; /* finished, wanted */
  int64_t tokens;                /* sampled so far */
  double best;                   /* CIDEr on the validation split, NaN = none */
  Boundary kept;
  const volatile int *stop;
} Trainer;

/* Opens everything but the actors: dataset, run folder, initial policy or the newest checkpoint. */
Status trainer_open(Trainer *trainer, const Config *config, const volatile int *stop);
/* After trainer_open failed: tells the actors, which would wait for ever, why there will be no run. Keeps
 * status_message(). */
void trainer_turn_away(Trainer *trainer, const Config *config, Status status);
/* Waits for the actors and sends them the weights. */
Status trainer_start(Trainer *trainer);
/* Trains to the end or to *stop. Status files and checkpoints are up to date when it returns, whatever it returns. */
Status trainer_run(Trainer *trainer);
/* A bug, or no memory: the last word in status.json, from whatever state, by status_message(). */
void trainer_report_fatal(const Trainer *trainer);
/* Ends the actors. True: MPI is finalized; false: _exit. Idempotent but for that. */
bool trainer_close(Trainer *trainer, int exit_code);

#endif
