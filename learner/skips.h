/* Skips: optimiser steps whose loss or gradient is not finite change nothing and are left out; too many in a row end the
 * run. */
#ifndef TROUPE_LEARNER_SKIPS_H
#define TROUPE_LEARNER_SKIPS_H

#include "common/base/status.h"

enum { SKIPS_IN_A_ROW = 10 };

typedef struct Skips {
  int in_a_row;
  int count; /* since the caller set it to 0 */
} Skips;

/* What becomes of a step that update_policy or update_xe left with `status`, keeping its message. OK: the step was made,
 * or is left out with a warning (then *grad_norm, NaN, becomes 0). FAILED: the SKIPS_IN_A_ROW-th in a row. */
Status skips_take(Skips *skips, Status status, double *grad_norm);

#endif
