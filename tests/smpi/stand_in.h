/* What a simulation takes in place of the machine: time that passes without computing, checksums that cost time alone. */
#ifndef TROUPE_TESTS_SMPI_STAND_IN_H
#define TROUPE_TESTS_SMPI_STAND_IN_H

#include <stdbool.h>

#include "common/base/crc32c.h"

void stand_in_compute(double seconds);
/* From a file of lines "NAME DOWN UP" (seconds, rising by name; inf = for ever), NAME a host or rankN: this rank's host, or it
 * alone, is gone from DOWN to UP. What it was about to do then happens at UP: to the others one that is gone, or one that was
 * only cut off and comes back. False: errno. */
bool stand_in_failures(const char *file);
/* From now on each sleep of this rank right after another one is up to `growth` times as long as that, at most longest_s: the more
 * ranks wait, the less often they need look. Before it is called, sleeps are as they were asked for. */
void stand_in_sleeps(double growth, double longest_s);

#endif
