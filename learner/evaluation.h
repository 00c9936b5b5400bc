/* Evaluation: greedy captions (or beams) of the validation split by a policy version, made by the actors as chunks of the
 * ledger like any other work, scored by the learner. */
#ifndef TROUPE_LEARNER_EVALUATION_H
#define TROUPE_LEARNER_EVALUATION_H

#include "learner/trainer.h"

/* Hands out the evaluation of the newest policy; none may be out. */
void evaluation_open(Trainer *trainer);

/* Waits for the one that is out and adds eval/... to `line`; *best: the best CIDEr so far, which trainer->progress then says.
 * *complete false: stopped, and given up. Errors: FAILED no actors. */
Status evaluation_take(Trainer *trainer, json_t *line, bool *best, bool *complete);

/* The same for one, if any is out, whose iteration was settled without it: a metrics line of its own, and best.h5 points at
 * that iteration's checkpoint. */
Status evaluation_finish(Trainer *trainer, bool *complete);

#endif
