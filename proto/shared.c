/* Counted holders. */
#include "proto/shared.h"

#include <stdlib.h>

#include "common/base/status.h"

Shared *shared_of(void *bytes) {
  Shared *shared = xmalloc(sizeof *shared);
  *shared = (Shared){.holders = 1, .bytes = bytes};
  return shared;
}

Shared *shared_new(size_t size) { return shared_of(xaligned(size)); }

Shared *shared_hold(Shared *shared) {
  shared->holders++;
  return shared;
}

void shared_drop(Shared *shared) {
  if (!shared || --shared->holders > 0) return;
  free(shared->bytes);
  free(shared);
}

void shared_replace(Shared **held, Shared *by) {
  shared_drop(*held);
  *held = by;
}

Shared *shared_own(Shared *held, size_t size) {
  if (held && held->holders == 1) return held;
  shared_drop(held);
  return shared_new(size);
}
