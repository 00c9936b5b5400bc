/* Segment: memory that processes of one machine share: an anonymous file (memfd_create(2)), which others open by a process
 * that holds it and by its descriptor there. It has no name in any folder and goes with its last holder, however that ends. */
#ifndef TROUPE_PROTO_SEGMENT_H
#define TROUPE_PROTO_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SegmentName {
  int32_t pid, descriptor; /* of a holder; descriptor -1: not to be shared */
  uint64_t started;        /* the holder's start time: tells a reused pid apart */
  uint64_t inode;          /* tells what the descriptor stood for when it was named */
} SegmentName;

typedef struct Segment {
  int descriptor; /* -1: none, what is mapped is this process' own */
  uint64_t inode;
} Segment;

/* Of zeros, which take memory when they are written to. Where the system has none to share, a Segment without descriptor. */
Segment segment_new(size_t size);
/* What others call this process' segment. */
void segment_name(const Segment *segment, SegmentName *name);
/* *segment <- the one of that name, kept under the descriptor that *segment had; what was mapped of that stays. False: it
 * cannot be had (its holder is gone, is of another user, has another one by now), and *segment is as it was. */
bool segment_share(Segment *segment, const SegmentName *name, size_t size);
void segment_close(Segment *segment); /* idempotent; what is mapped stays */

enum { SEGMENT_ALIGN = 1 << 16 }; /* a page, on all machines */
/* From one block of so many bytes to the next. */
static inline size_t segment_stride(size_t bytes) {
  return (bytes + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

/* `size` bytes from `offset`, a multiple of SEGMENT_ALIGN; NULL: no memory. segment_unmap them. */
void *segment_map(const Segment *segment, size_t offset, size_t size);
void segment_unmap(void *bytes, size_t size); /* NULL is fine */
/* Memory for those bytes, now: to write to what is mapped without it ends the process when there is none. False: none. */
bool segment_reserve(const Segment *segment, size_t offset, size_t size);

/* memcpy for what other processes read: past this core's cache, which takes two thirds of the time. */
void segment_copy(void *to, const void *from, size_t size);

#endif
