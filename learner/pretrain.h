/* Pretrain: stage 1, cross-entropy on the reference captions (teacher forcing), on the learner's threads
 * and ranks. Each rank goes through the same epochs with its part of the batches; the lead evaluates, logs, and has the run
 * folder. */
#ifndef TROUPE_LEARNER_PRETRAIN_H
#define TROUPE_LEARNER_PRETRAIN_H

#include "common/config/config.h"
#include "proto/team.h"

/* Trains to the end, or until the lead's *stop is set (then the state of the last epoch is what resumes). */
Status pretrain_run(const Config *config, Team *team, const volatile int *stop);

#endif
