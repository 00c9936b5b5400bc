/* Whole-file reads and atomic writes. */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Status file_read(const char *path, size_t limit, char **bytes, size_t *size) {
  if (!limit) limit = (size_t)1 << 30;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return status_set(BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  struct stat info;
  if (fstat(fd, &info) || S_ISDIR(info.st_mode)) {
    close(fd);
    return status_set(BAD_INPUT, "%s: is a folder; a file was expected", path);
  }
  size_t room = info.st_size > 0 ? (size_t)info.st_size + 1 : 65536, used = 0;
  if (room > limit + 1) room = limit + 1;
  char *buffer = xmalloc(room + 1);
  for (;;) {
    ssize_t got = read(fd, buffer + used, room - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Status status = status_set(FAILED, "%s: cannot be read: %s", path, strerror(errno));
      free(buffer);
      close(fd);
      return status;
    }
    if (got == 0) break;
    used += (size_t)got;
    if (used > limit) {
      free(buffer);
      close(fd);
      return status_set(BAD_INPUT, "%s: is too large; at most %zu bytes were expected", path, limit);
    }
    if (used == room) buffer = xrealloc(buffer, (room = room * 2) + 1);
  }
  close(fd);
  buffer[used] = 0;
  *bytes = buffer;
  *size = used;
  return OK;
}

static Status write_all(int fd, const char *path, const char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t put = write(fd, bytes + done, size - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return status_set(FAILED, "%s: cannot be written: %s", path, strerror(put ? errno : ENOSPC));
    done += (size_t)put;
  }
  return OK;
}

char *file_temporary(const char *path) { return xasprintf("%s.tmp.%ld", path, (long)getpid()); }

void file_discard(char *temporary) {
  if (temporary) unlink(temporary);
  free(temporary);
}

static Status sync_path(const char *path, int flags) {
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) return status_set(FAILED, "%s: cannot be opened: %s", path, strerror(errno));
  int bad = fsync(fd);
  if (bad && errno == EINVAL) bad = 0; /* a file system without fsync on folders */
  Status status = bad ? status_set(FAILED, "%s: cannot be synced: %s", path, strerror(errno)) : OK;
  close(fd);
  return status;
}

Status file_commit(char *temporary, const char *path) {
  char *folder = path_folder(path);
  Status status = sync_path(temporary, O_RDONLY);
  if (status == OK && rename(temporary, path))
    status = status_set(FAILED, "%s: cannot be renamed from %s: %s", path, temporary, strerror(errno));
  if (status == OK) {
    status = sync_path(folder, O_RDONLY | O_DIRECTORY);
    free(temporary);
  } else {
    file_discard(temporary);
  }
  free(folder);
  return status;
}

Status file_write_atomic(const char *path, const void *bytes, size_t size) {
  char *temporary = file_temporary(path);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    Status status = status_set(FAILED, "%s: cannot be created: %s", path, strerror(errno));
    free(temporary);
    return status;
  }
  Status status = write_all(fd, path, bytes, size);
  if (close(fd) && status == OK) status = status_set(FAILED, "%s: cannot be written: %s", path, strerror(errno));
  if (status == OK) return file_commit(temporary, path);
  file_discard(temporary);
  return status;
}

Status file_append(const char *path, const void *bytes, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return status_set(FAILED, "%s: cannot be opened: %s", path, strerror(errno));
  Status status = write_all(fd, path, bytes, size);
  if (close(fd) && status == OK) status = status_set(FAILED, "%s: cannot be written: %s", path, strerror(errno));
  return status;
}

Status file_append_line(const char *path, const char *line) {
  char *text = xasprintf("%s\n", line);
  Status status = file_append(path, text, strlen(text));
  free(text);
  return status;
}

Status folder_create(const char *path) {
  char *partial = xstrdup(path);
  Status status = OK;
  for (char *p = partial + 1; status == OK; p++) {
    if (*p != '/' && *p != 0) continue;
    char kept = *p;
    *p = 0;
    if (mkdir(partial, 0777) && errno != EEXIST)
      status = status_set(FAILED, "%s: cannot be created: %s", partial, strerror(errno));
    *p = kept;
    if (!kept) break;
  }
  if (status == OK && !folder_exists(path))
    status = status_set(FAILED, "%s: is not a folder; a folder, or nothing yet, was expected", path);
  free(partial);
  return status;
}

bool file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool folder_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

const char *path_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

char *path_folder(const char *path) {
  const char *name = path_name(path);
  if (name == path) return xstrdup(".");
  if (name == path + 1) return xstrdup("/");
  char *folder = xstrdup(path);
  folder[name - path - 1] = 0;
  return folder;
}

char *path_join(const char *folder, const char *name) { return xasprintf("%s/%s", folder, name); }
