/* Arena: a bump allocator over one aligned block. */
#include "common/base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

void arena_init(Arena *arena, size_t bytes) {
  bytes = arena_rounded(bytes ? bytes : 1);
  *arena = (Arena){.base = xaligned(bytes), .size = bytes};
}

void arena_free(Arena *arena) {
  free(arena->base);
  *arena = (Arena){0};
}

void *arena_take(Arena *arena, size_t bytes) {
  bytes = arena_rounded(bytes);
  CHECK(bytes <= arena->size - arena->used);
  void *block = arena->base + arena->used;
  arena->used += bytes;
  if (arena->used > arena->peak) arena->peak = arena->used;
  return block;
}

float *arena_floats(Arena *arena, size_t count) { return arena_take(arena, count * sizeof(float)); }

float *arena_zeros(Arena *arena, size_t count) { return memset(arena_floats(arena, count), 0, count * sizeof(float)); }
