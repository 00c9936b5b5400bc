/* Skips: counting. */
#include "learner/skips.h"

#include "common/base/log.h"

Status skips_take(Skips *skips, Status status, double *grad_norm) {
  if (status == OK) {
    skips->in_a_row = 0;
    return OK;
  }
  skips->count++;
  if (++skips->in_a_row >= SKIPS_IN_A_ROW)
    return status_prefix(
        status, "%d optimiser steps in a row had to be left out (is the learning rate too high?); the last one",
        skips->in_a_row);
  log_warning("an optimiser step is left out: %s", status_message());
  *grad_norm = 0;
  return OK;
}
