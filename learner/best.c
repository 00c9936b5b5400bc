/* Best. */
#include "learner/best.h"

#include <math.h>

bool best_take(double *best, int64_t *best_iteration, double cider, int64_t iteration) {
  if (!isnan(*best) && !(cider > *best)) return false;
  *best = cider;
  *best_iteration = iteration;
  return true;
}
