/* A disk that fails, for LD_PRELOAD: writes into files below CHAOS_FOLDER fail from the CHAOS_AFTER-th of a process on, by
 * CHAOS_KIND: full (ENOSPC), eio (EIO), or short (each write takes half of what it is given). */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static bool below_folder(int fd) {
  const char *folder = getenv("CHAOS_FOLDER");
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (!folder || length <= 0) return false;
  path[length] = 0;
  size_t n = strlen(folder);
  return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* What is to happen to a write of `bytes` now: -1 (errno is set), or how many bytes may be written. */
static ssize_t allowed(int fd, size_t bytes) {
  static long writes, failed;
  const char *kind = getenv("CHAOS_KIND"), *after = getenv("CHAOS_AFTER");
  if (!kind || !below_folder(fd) || writes++ < atol(after ? after : "0")) return (ssize_t)bytes;
  if (!failed++) fprintf(stderr, "faulty disk: %s from write %ld on\n", kind, writes);
  if (strcmp(kind, "short") == 0) return (ssize_t)(bytes > 1 ? bytes / 2 : bytes);
  errno = strcmp(kind, "full") == 0 ? ENOSPC : EIO;
  return -1;
}

ssize_t write(int fd, const void *from, size_t bytes) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "write");
  ssize_t take = allowed(fd, bytes);
  return take < 0 ? -1 : real(fd, from, (size_t)take);
}

static ssize_t write_at(const char *name, int fd, const void *from, size_t bytes, off_t offset) {
  ssize_t (*real)(int, const void *, size_t, off_t);
  *(void **)&real = dlsym(RTLD_NEXT, name);
  ssize_t take = allowed(fd, bytes);
  return take < 0 ? -1 : real(fd, from, (size_t)take, offset);
}

ssize_t pwrite(int fd, const void *from, size_t bytes, off_t offset) {
  return write_at("pwrite", fd, from, bytes, offset);
}
ssize_t pwrite64(int fd, const void *from, size_t bytes, off_t offset) {
  return write_at("pwrite64", fd, from, bytes, offset);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  return allowed(fd, 2) < 0 ? -1 : real(fd);
}
