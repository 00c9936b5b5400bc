/* Counted holders. */
#include "proto/shared.h"

#include <stdlib.h>

#include "common/base/status.h"

Shared *shared_new(size_t size) {
  Shared *shared = xmalloc(sizeof *shared);
  *shared = (Shared){.holders = 1, .bytes = xaligned(size)};
  return shared;
}

Shared *shared_hold(Shared *shared) {
  shared->holders++;
  return shared;
}

void shared_drop(Shared *shared) {
  if (!shared || --shared->holders > 0) return;
  free(shared->bytes);
  free(shared);
}
