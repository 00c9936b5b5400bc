/* Large blocks, from which small pieces are cut. */
#include "common/base/pool.h"

#include <stdlib.h>

#include "common/base/status.h"

enum { BLOCK_BYTES = 1 << 18, ALIGN = sizeof(max_align_t) };

typedef struct PoolBlock {
  struct PoolBlock *before;
  size_t used, size;
  max_align_t bytes[];
} PoolBlock;

static PoolBlock *block_add(Pool *pool, size_t size) {
  PoolBlock *block = xmalloc(sizeof *block + size);
  *block = (PoolBlock){.before = pool->block, .size = size};
  return pool->block = block;
}

void *pool_take(Pool *pool, size_t bytes) {
  bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  PoolBlock *block = pool->block;
  if (!block || block->size - block->used < bytes) block = block_add(pool, bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES);
  void *place = (char *)block->bytes + block->used;
  block->used += bytes;
  return place;
}

void pool_free(Pool *pool) {
  for (PoolBlock *block = pool->block, *before; block; block = before) {
    before = block->before;
    free(block);
  }
  pool->block = NULL;
}
