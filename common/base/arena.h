/* Arena: one block sized at the start, from which a training step takes its scratch memory without malloc.
 * Every allocation is 64-byte aligned. Mark before a step and release to the mark after it. */
#ifndef TROUPE_BASE_ARENA_H
#define TROUPE_BASE_ARENA_H

#include <stddef.h>

typedef struct Arena {
  unsigned char *base; /* owned */
  size_t size, used, peak;
} Arena;

void arena_init(Arena *arena, size_t bytes);
void arena_free(Arena *arena); /* idempotent */

/* `bytes` of uninitialised memory, borrowed until arena_release below this point. Stops (CHECK) when the arena is
 * full: its size is computed from the same shapes, so that is a bug. */
void *arena_take(Arena *arena, size_t bytes);
float *arena_floats(Arena *arena, size_t count);
float *arena_zeros(Arena *arena, size_t count);

static inline size_t arena_mark(const Arena *arena) { return arena->used; }
static inline void arena_release(Arena *arena, size_t mark) { arena->used = mark; }

/* Bytes that arena_take(bytes) consumes: for sizing an arena. */
static inline size_t arena_rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
