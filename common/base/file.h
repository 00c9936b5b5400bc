/* Files: whole reads, atomic writes, folders. A file appears under its final name complete or not at all:
 * x.tmp.PID, fsync, rename, fsync of the folder. */
#ifndef TROUPE_BASE_FILE_H
#define TROUPE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* Reads a whole file. `*bytes` is owned by the caller (free), has a NUL after its `*size` bytes. Errors: missing,
 * unreadable, a folder, larger than `limit` (0 = 1 GiB). */
Status file_read(const char *path, size_t limit, char **bytes, size_t *size);

/* Writes `size` bytes to `path` atomically. On failure nothing is left behind. */
Status file_write_atomic(const char *path, const void *bytes, size_t size);

/* For writers that fill a file by another library (HDF5): the temporary name to write to (owned by the caller), then
 * either commit (fsync, rename, fsync folder) or discard. Both free `temporary`. */
char *file_temporary(const char *path);
Status file_commit(char *temporary, const char *path);
void file_discard(char *temporary);

/* Appends, creating the file if need be, with one write(). */
Status file_append(const char *path, const void *bytes, size_t size);

/* Appends one line (a '\n' is added) with one write(): for JSON lines. */
Status file_append_line(const char *path, const char *line);

/* mkdir -p. */
Status folder_create(const char *path);

bool file_exists(const char *path);
bool folder_exists(const char *path);

/* "a/b/c.h5" -> "a/b" ("." without a slash). Owned by the caller. */
char *path_folder(const char *path);
/* Borrowed: the part behind the last slash. */
const char *path_name(const char *path);
/* "folder/name", owned by the caller. */
char *path_join(const char *folder, const char *name);

#endif
