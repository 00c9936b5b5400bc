/* Clock. */
#include "common/base/clock.h"

#include <time.h>

static double now(clockid_t clock) {
  struct timespec at;
  clock_gettime(clock, &at);
  return (double)at.tv_sec + 1e-9 * (double)at.tv_nsec;
}

double clock_seconds(void) { return now(CLOCK_MONOTONIC); }

double clock_wall(void) { return now(CLOCK_REALTIME); }

double clock_worked(void) { return now(CLOCK_THREAD_CPUTIME_ID); }

void clock_sleep(double seconds) {
  struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&wait, NULL);
}
