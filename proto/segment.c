/* Anonymous files of Linux. */
#include "proto/segment.h"

#include <fcntl.h>
#ifdef __AVX__
#include <immintrin.h>
#endif
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/process.h"

Segment segment_new(size_t size) {
  struct stat file;
  Segment segment = {.descriptor = memfd_create("troupe weights", MFD_CLOEXEC)};
  if (segment.descriptor >= 0 && (ftruncate(segment.descriptor, (off_t)size) || fstat(segment.descriptor, &file)))
    segment_close(&segment);
  if (segment.descriptor >= 0) segment.inode = file.st_ino;
  return segment;
}

void segment_name(const Segment *segment, SegmentName *name) {
  ProcessName self;
  process_self(&self);
  *name = (SegmentName){self.pid, segment->descriptor, self.started, segment->inode};
}

/* The descriptor of the file that `name` stands for, or -1. */
static int open_named(const SegmentName *name, size_t size) {
  char path[64];
  struct stat file;
  snprintf(path, sizeof path, "/proc/%d/fd/%d", name->pid, name->descriptor);
  int descriptor = open(path, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return -1;
  bool same = fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode) && file.st_ino == name->inode &&
              file.st_size == (off_t)size;
  if (same) return descriptor;
  close(descriptor);
  return -1;
}

bool segment_share(Segment *segment, const SegmentName *name, size_t size) {
  ProcessName holder;
  process_self(&holder); /* for its machine */
  holder.pid = name->pid, holder.started = name->started;
  if (segment->descriptor < 0 || process_gone(&holder)) return false;
  int descriptor = open_named(name, size);
  if (descriptor < 0) return false;
  bool moved = dup3(descriptor, segment->descriptor, O_CLOEXEC) >= 0;
  close(descriptor);
  if (moved) segment->inode = name->inode;
  return moved;
}

void segment_close(Segment *segment) {
  if (segment->descriptor >= 0) close(segment->descriptor);
  *segment = (Segment){.descriptor = -1};
}

void *segment_map(const Segment *segment, size_t offset, size_t size) {
  bool shared = segment->descriptor >= 0;
  int flags = shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, segment->descriptor, shared ? (off_t)offset : 0);
  return bytes == MAP_FAILED ? NULL : bytes;
}

void segment_unmap(void *bytes, size_t size) {
  if (bytes) munmap(bytes, size);
}

bool segment_reserve(const Segment *segment, size_t offset, size_t size) {
  return segment->descriptor < 0 || fallocate(segment->descriptor, 0, (off_t)offset, (off_t)size) == 0;
}

void segment_copy(void *to, const void *from, size_t size) {
  size_t at = 0;
#ifdef __AVX__
  enum { STEP = 4 * sizeof(__m256i) };
  if ((uintptr_t)to % sizeof(__m256i) == 0)
    for (; size - at >= STEP; at += STEP)
      for (size_t i = at; i < at + STEP; i += sizeof(__m256i))
        _mm256_stream_si256((void *)((unsigned char *)to + i),
                            _mm256_loadu_si256((const void *)((const unsigned char *)from + i)));
  _mm_sfence(); /* they are not in order with what says that it is there */
#endif
  memcpy((unsigned char *)to + at, (const unsigned char *)from + at, size - at);
}
