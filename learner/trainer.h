/* Trainer: stage 2. Each iteration: actors roll out a set of images, the learner turns the groups' rewards into
 * advantages and takes clipped, KL-regularised steps, and the next policy version goes out. Rollouts of later iterations
 * go on meanwhile (learner/rollouts.h). */
#ifndef TROUPE_LEARNER_TRAINER_H
#define TROUPE_LEARNER_TRAINER_H

#include "common/config/config.h"
#include "learner/boundary.h"
#include "learner/guard.h"
#include "learner/learn.h"
#include "learner/rollouts.h"
#include "learner/run_data.h"
#include "learner/run_folder.h"
#include "proto/hub.h"

typedef struct Trainer {
  const Config *config; /* borrowed */
  RunFolder run;
  RunData data;
  ParamTable table;
  Updater updater;
  Learn learn;
  Ledger ledger;
  Rollouts rollouts;
  Team *team; /* the learner's other ranks, NULL = none; owned */
  Hub *hub;
  Shared *reference; /* block by params.h, held */
  Progress progress;
  int64_t evaluating;       /* the policy version whose evaluation is out, VERSION_NONE = none */
  double evaluation_idle_s; /* of the actors, before the chunks of the last evaluation */
  Boundary kept;
  Guard guard;
  const volatile int *stop;
} Trainer;

/* Opens everything but the actors: dataset, run folder, initial policy or the newest checkpoint; brings the learner's other
 * ranks up to that. Takes `team`, in which this is the lead (or NULL). */
Status trainer_open(Trainer *trainer, const Config *config, Team *team, const volatile int *stop);
/* After trainer_open failed: tells the other ranks, which would wait for ever, why there will be no run. Keeps
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
