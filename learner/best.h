/* Best: which evaluation best.h5 is of. */
#ifndef TROUPE_LEARNER_BEST_H
#define TROUPE_LEARNER_BEST_H

#include <stdbool.h>
#include <stdint.h>

/* Whether CIDEr on the validation split at `iteration` is above the best so far (NaN = none), which it then becomes. */
bool best_take(double *best, int64_t *best_iteration, double cider, int64_t iteration);

#endif
