/* Process: names a process so that another one on the same machine can tell whether it still lives. On other machines,
 * or without /proc, the answer is always "not known to be gone". */
#ifndef TROUPE_PROTO_PROCESS_H
#define TROUPE_PROTO_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/base/hash.h"

enum { HOST_TEXT = 65 };

typedef struct ProcessName {
  char host[HOST_TEXT];
  char machine[HASH_TEXT]; /* hash of the boot's and the PID namespace's identity; "" = unknown */
  int32_t pid;
  uint64_t started; /* clock ticks after boot: tells a reused pid apart */
} ProcessName;

void process_self(ProcessName *name);

/* Known to be of one machine. */
static inline bool process_beside(const ProcessName *a, const ProcessName *b) {
  return a->machine[0] && strcmp(a->machine, b->machine) == 0;
}

/* True only when `name` is of this machine and its process has ended (or is a zombie). */
bool process_gone(const ProcessName *name);

#endif
