/* Statistics of results: mean and spread over seeds, and a paired bootstrap interval over pictures (Efron and Tibshirani, "An
 * Introduction to the Bootstrap", 1993, percentile method; Koehn, EMNLP 2004, for translation scores). */
#ifndef TROUPE_SCORE_STATISTICS_H
#define TROUPE_SCORE_STATISTICS_H

#include <stdint.h>

double statistics_mean(const double *value, int count); /* count > 0 */
/* Sample standard deviation (count - 1); 0 for one value. */
double statistics_spread(const double *value, int count);

/* An interval of the mean of `difference` [count > 0]: the pictures are drawn anew with replacement `resamples` times, and the
 * tails of (1 - level) / 2 of the means are cut off on either side. The same seed gives the same interval. */
void statistics_bootstrap(const double *difference, int count, int resamples, double level, uint64_t seed, double *low,
                          double *high);

#endif
