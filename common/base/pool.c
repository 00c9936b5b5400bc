/* Large blocks, from which small pieces are cut; each is twice as large as the one before, so that there are few. */
#include "common/base/pool.h"

#include <stdlib.h>

#include "common/base/status.h"

enum { FIRST_BYTES = 1 << 18, MOST_BYTES = 1 << 26, ALIGN = _Alignof(max_align_t) };

typedef struct PoolBlock {
  struct PoolBlock *before;
  size_t used, size;
  max_align_t bytes[];
} PoolBlock;

static PoolBlock *block_add(Pool *pool, size_t least) {
  size_t size = pool->block ? pool->block->size * 2 : FIRST_BYTES;
  if (size > MOST_BYTES) size = MOST_BYTES;
  if (size < least) size = least;
  PoolBlock *block = xmalloc(sizeof *block + size);
  *block = (PoolBlock){.before = pool->block, .size = size};
  return pool->block = block;
}

void *pool_take(Pool *pool, size_t bytes) {
  bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
  PoolBlock *block = pool->block;
  if (!block || block->size - block->used < bytes) block = block_add(pool, bytes);
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
