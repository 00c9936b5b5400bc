/* jansson's functions for memory, exchanged for a pool's. */
#include "common/base/json_pool.h"

#include <jansson.h>

#include "common/base/pool.h"
#include "common/base/status.h"

static struct {
  Pool pool;
  json_malloc_t malloc;
  json_free_t free;
} kept;

static void *node_take(size_t bytes) { return pool_take(&kept.pool, bytes); }

static void node_keep(void *node) { (void)node; }

void json_pool_open(void) {
  CHECK(!kept.malloc);
  json_get_alloc_funcs(&kept.malloc, &kept.free);
  json_set_alloc_funcs(node_take, node_keep);
}

void json_pool_close(void) {
  json_set_alloc_funcs(kept.malloc, kept.free);
  kept.malloc = NULL;
  pool_free(&kept.pool);
}
