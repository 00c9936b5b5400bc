/* What a simulation takes in place of the machine: time that passes without computing, checksums that cost time alone. */
#ifndef TROUPE_TESTS_SMPI_STAND_IN_H
#define TROUPE_TESTS_SMPI_STAND_IN_H

#include <stdbool.h>

#include "common/base/crc32c.h"

void stand_in_compute(double seconds);
/* Of this rank: actors, of which there are many, wait with longer and longer sleeps (a tenth longer each, at most 50 us times ranks). */
void stand_in_learner(bool learner);

#endif
