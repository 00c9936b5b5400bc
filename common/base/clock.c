/* Clock and profile counters. */
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

#include "common/base/log.h"

double clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void clock_sleep(double seconds) {
  struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&wait, NULL);
}

static const char *const event_names[PROFILE_EVENTS] = {"encode",  "decode",   "reference", "reward",
                                                        "forward", "backward", "optimizer", "send",
                                                        "receive", "idle",     "checkpoint"};

static struct {
  long calls;
  double seconds, flops;
} totals[PROFILE_EVENTS];
static int enabled;

void profile_enable(int on) { enabled = on; }

double profile_begin(void) { return enabled ? clock_seconds() : 0; }

void profile_end(ProfileEvent event, double began, double flops) {
  if (!enabled) return;
  totals[event].calls++;
  totals[event].seconds += clock_seconds() - began;
  totals[event].flops += flops;
}

void profile_print(void) {
  double all = 0;
  for (int e = 0; e < PROFILE_EVENTS; e++) all += totals[e].seconds;
  fprintf(stderr, "%s: %-12s %10s %10s %7s %9s\n", log_role(), "event", "calls", "seconds", "share", "GFLOP/s");
  for (int e = 0; e < PROFILE_EVENTS; e++) {
    if (!totals[e].calls) continue;
    fprintf(stderr, "%s: %-12s %10ld %10.3f %6.1f%% %9.1f\n", log_role(), event_names[e], totals[e].calls,
            totals[e].seconds, 100 * totals[e].seconds / all, totals[e].flops / totals[e].seconds * 1e-9);
  }
}

void profile_totals(double seconds[PROFILE_EVENTS]) {
  for (int e = 0; e < PROFILE_EVENTS; e++) seconds[e] = totals[e].seconds;
}
