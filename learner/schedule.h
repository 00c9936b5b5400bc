/* Schedule: optimiser step -> multiplier of the learning rate.
 *
 * With S steps in all, W = ceil(warmup x S) of them warm-up and k = 0 .. S - 1 the steps made before:
 *   k < W     (k + 1) / W                                torch LinearLR(start_factor = 1/W, total_iters = W - 1)
 *   cosine    final + (1 - final) (1 + cos(pi p)) / 2    torch CosineAnnealingLR(T_max = S - W, eta_min = final x peak)
 *   linear    1 + (final - 1) p                          torch LinearLR(1, final, total_iters = S - W)
 *   constant  1
 * with p = (k - W) / (S - W), joined as torch's SequentialLR(milestones = [W]) does. From step S on p = 1. */
#ifndef TROUPE_LEARNER_SCHEDULE_H
#define TROUPE_LEARNER_SCHEDULE_H

#include <stdint.h>

typedef enum ScheduleKind { SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_CONSTANT, SCHEDULE_KINDS } ScheduleKind;
extern const char *const schedule_names[SCHEDULE_KINDS + 1]; /* NULL ends it */

typedef struct ScheduleOptions {
  ScheduleKind kind;
  double warmup; /* fraction of the steps, 0 .. 1 */
  double final;  /* fraction of the peak at the end, 0 .. 1 */
} ScheduleOptions;

double schedule_multiplier(const ScheduleOptions *options, int64_t step, int64_t steps);

#endif
