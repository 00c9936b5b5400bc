/* A pool: many small things that are made one after the other and freed together. */
#ifndef TROUPE_BASE_POOL_H
#define TROUPE_BASE_POOL_H

#include <stddef.h>

typedef struct Pool {
  struct PoolBlock *block; /* owned: a chain, the newest first */
} Pool;                    /* {0} is empty */

/* Room for so many bytes of anything, until pool_free. */
void *pool_take(Pool *pool, size_t bytes);
void pool_free(Pool *pool); /* idempotent */

#endif
