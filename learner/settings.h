/* Settings: the configuration's words -> the options of the numeric modules. */
#ifndef TROUPE_LEARNER_SETTINGS_H
#define TROUPE_LEARNER_SETTINGS_H

#include "common/config/config.h"
#include "learner/advantage.h"
#include "learner/guard.h"
#include "learner/learn.h"
#include "learner/objective.h"
#include "learner/optimizer.h"
#include "learner/schedule.h"

OptimizerOptions settings_optimizer(const OptimizerConfig *config);
ScheduleOptions settings_schedule(const ScheduleConfig *config);
AdvantageOptions settings_advantage(const Config *config);
ObjectiveOptions settings_objective(const Config *config);
OffPolicy settings_off_policy(const Config *config);
GuardOptions settings_guard(const Config *config);

/* OpenMP threads: learner.threads, else TROUPE_LEARNER_THREADS (what the launcher leaves to the learner), else
 * `otherwise`. */
int settings_threads(const Config *config, int otherwise);

#endif
