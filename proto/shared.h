/* Shared: memory that has several holders, such as the shelf and the messages that are sent from it. It goes with the last. */
#ifndef TROUPE_PROTO_SHARED_H
#define TROUPE_PROTO_SHARED_H

#include <stddef.h>

typedef struct Shared {
  int holders;
  unsigned char *bytes; /* 64-byte aligned, not initialised */
} Shared;

Shared *shared_new(size_t size); /* with one holder */
Shared *shared_hold(Shared *shared);
void shared_drop(Shared *shared); /* NULL is fine */

#endif
