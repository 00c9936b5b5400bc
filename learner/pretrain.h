/* Pretrain: stage 1, cross-entropy on the reference captions (teacher forcing). No messages: one process, its
 * threads. */
#ifndef TROUPE_LEARNER_PRETRAIN_H
#define TROUPE_LEARNER_PRETRAIN_H

#include "common/config/config.h"

/* Trains to the end, or until *stop is set (then the state of the last epoch is what resumes). */
Status pretrain_run(const Config *config, const volatile int *stop);

#endif
