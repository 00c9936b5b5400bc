/* At the end of a file: "TRPSEAL1", and 32 digits, the hash of the bytes before. */
#include "common/base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/hash.h"

#define MAGIC "TRPSEAL1"
enum { MAGIC_BYTES = sizeof MAGIC - 1, SEAL_BYTES = MAGIC_BYTES + HASH_TEXT - 1, BLOCK_BYTES = 1 << 20 };

static Status cannot_read(const char *shown) {
  return status_set(FAILED, "%s: cannot be read: %s", shown, errno ? strerror(errno) : "it became shorter");
}

/* pread of all of `size`. */
static bool read_all(int file, void *bytes, size_t size, off_t at) {
  errno = 0;
  for (ssize_t n; size; bytes = (char *)bytes + n, size -= (size_t)n, at += n) {
    n = pread(file, bytes, size, at);
    if (n < 0 && errno == EINTR) n = 0;
    else if (n <= 0) return false;
  }
  return true;
}

/* Of the first `size` bytes. */
static bool hash_file(int file, off_t size, char text[HASH_TEXT]) {
  char *block = xmalloc(BLOCK_BYTES);
  Hasher *hasher = hash_begin();
  bool good = true;
  for (off_t at = 0; at < size && good;) {
    size_t n = size - at < BLOCK_BYTES ? (size_t)(size - at) : BLOCK_BYTES;
    good = read_all(file, block, n, at);
    if (good) hash_add(hasher, block, n);
    at += (off_t)n;
  }
  hash_end(hasher, text);
  free(block);
  return good;
}

Status seal_add(const char *path, const char *shown) {
  char seal[SEAL_BYTES + 1] = MAGIC;
  struct stat info;
  errno = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  bool good = file >= 0 && fstat(file, &info) == 0 && hash_file(file, info.st_size, seal + MAGIC_BYTES);
  Status status = good ? OK : cannot_read(shown);
  if (file >= 0) close(file);
  return good ? file_append(path, seal, SEAL_BYTES) : status;
}

/* The file is `size` bytes long. */
static Status check(int file, off_t size, const char *path) {
  char seal[SEAL_BYTES + 1] = "", found[HASH_TEXT];
  if (size < SEAL_BYTES) return OK;
  if (!read_all(file, seal, SEAL_BYTES, size - SEAL_BYTES)) return cannot_read(path);
  if (memcmp(seal, MAGIC, MAGIC_BYTES) != 0) return OK;
  if (!hash_file(file, size - SEAL_BYTES, found)) return cannot_read(path);
  if (strcmp(seal + MAGIC_BYTES, found) == 0) return OK;
  return status_set(BAD_INPUT, "%s: is damaged: its bytes do not fit the hash at its end", path);
}

Status seal_check(const char *path) {
  struct stat info;
  errno = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  Status status = file >= 0 && fstat(file, &info) == 0 ? check(file, info.st_size, path) : cannot_read(path);
  if (file >= 0) close(file);
  return status;
}
