/* Shared: memory that has several holders, such as the learner, the shelf and the messages that are sent from it. It goes with
 * the last. A holder that is not the only one must not write to it. */
#ifndef TROUPE_PROTO_SHARED_H
#define TROUPE_PROTO_SHARED_H

#include <stddef.h>

typedef struct Shared {
  int holders;
  unsigned char *bytes; /* 64-byte aligned, not initialised */
} Shared;

Shared *shared_new(size_t size); /* with one holder */
Shared *shared_of(void *bytes);  /* the same with memory that is there already, which it takes (free) */
Shared *shared_hold(Shared *shared);
void shared_drop(Shared *shared); /* NULL is fine */
/* *held <- `by`, which is taken; what was held is dropped. */
void shared_replace(Shared **held, Shared *by);
/* Memory of one's own in exchange for `held` (taken; NULL is fine): itself, if nobody else holds it. */
Shared *shared_own(Shared *held, size_t size);

static inline float *shared_floats(const Shared *shared) { return (float *)(void *)shared->bytes; }

#endif
