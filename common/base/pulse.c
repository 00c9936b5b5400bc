/* Pulse: the call and when it is due. */
#include "common/base/pulse.h"

#include <stddef.h>

#include "common/base/clock.h"

static struct {
  void (*call)(void *);
  void *context;
  double every_s, due;
} set;

void pulse_set(void (*call)(void *), void *context, double every_s) {
  set.call = call;
  set.context = context;
  set.every_s = every_s;
  set.due = 0;
}

void pulse(void) {
  if (!set.call || clock_seconds() < set.due) return;
  set.call(set.context);
  set.due = clock_seconds() + set.every_s;
}
