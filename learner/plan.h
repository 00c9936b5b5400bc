/* Plan: what a rank of the learner will take for a configuration. Found by building what the rank builds, by the same
 * functions, and making a few steps on people's captions in place of samples; nothing is written. A JSON object on stdout,
 * which the `--dry-run` of troupe train and troupe pretrain reads. */
#ifndef TROUPE_LEARNER_PLAN_H
#define TROUPE_LEARNER_PLAN_H

#include "common/config/config.h"

Status plan_train(const Config *config);
Status plan_pretrain(const Config *config);

#endif
