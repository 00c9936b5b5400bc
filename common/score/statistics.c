/* Mean, spread, bootstrap. */
#include "common/score/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "common/base/status.h"

double statistics_mean(const double *value, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += value[i];
  return sum / count;
}

double statistics_spread(const double *value, int count) {
  if (count < 2) return 0;
  double mean = statistics_mean(value, count), sum = 0;
  for (int i = 0; i < count; i++) sum += (value[i] - mean) * (value[i] - mean);
  return sqrt(sum / (count - 1));
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Between neighbours in the order, in proportion. */
static double quantile(const double *sorted, int count, double share) {
  double at = share * (count - 1);
  int below = (int)at;
  if (below >= count - 1) return sorted[count - 1];
  return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

void statistics_bootstrap(const double *difference, int count, int resamples, double level, uint64_t seed, double *low,
                          double *high) {
  CHECK(count > 0 && resamples > 0);
  double *mean = xmalloc((size_t)resamples * sizeof *mean);
  for (int r = 0; r < resamples; r++) {
    RngKey key = {.seed = seed, .stage = RNG_BOOTSTRAP, .iteration = (uint32_t)r};
    double sum = 0;
    for (int i = 0; i < count; i++) {
      key.image = (uint32_t)i;
      sum += difference[rng_below(&key, (uint32_t)count)];
    }
    mean[r] = sum / count;
  }
  qsort(mean, (size_t)resamples, sizeof *mean, ascending);
  *low = quantile(mean, resamples, (1 - level) / 2);
  *high = quantile(mean, resamples, (1 + level) / 2);
  free(mean);
}
