/* Learning-rate schedules: warm-up, then one row a shape. */
#include "learner/schedule.h"

#include <math.h>
#include <stddef.h>

static double shape_cosine(double p, double final) { return final + (1 - final) * (1 + cos(M_PI * p)) / 2; }
static double shape_linear(double p, double final) { return 1 + (final - 1) * p; }
static double shape_constant(double p, double final) {
  (void)p, (void) final;
  return 1;
}

static double (*const shape_rows[SCHEDULE_KINDS])(double, double) = {shape_cosine, shape_linear, shape_constant};
const char *const schedule_names[SCHEDULE_KINDS + 1] = {"cosine", "linear", "constant", NULL};

double schedule_multiplier(const ScheduleOptions *options, int64_t step, int64_t steps) {
  int64_t warmup = (int64_t)ceil(options->warmup * (double)steps - 1e-9); /* 0.07 x 100 is 7, not 8 */
  if (step < warmup) return (double)(step + 1) / (double)warmup;
  double p = step < steps ? (double)(step - warmup) / (double)(steps - warmup) : 1;
  return shape_rows[options->kind](p, options->final);
}
