/* Files of NumPy's arrays: .npy as it is, .npz by libzip. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "common/base/file.h"
#include "common/data/npy.h"

static const size_t ARRAY_MAX = (size_t)2 << 30; /* bytes */

/* " 'feat' 'bbox'": the arrays that are there, as many as fit. */
static void arrays_list(zip_t *archive, char *list, size_t size) {
  list[0] = 0;
  zip_int64_t count = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < count; i++) {
    const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
    size_t used = strlen(list);
    int length = name ? (int)strcspn(name, ".") : 0;
    if (length > 40) length = 40;
    if (used + (size_t)length + 4 >= size) return;
    snprintf(list + used, size - used, " '%.*s'", length, name ? name : "");
  }
}

/* Of the archive's entry: the header alone, or everything. */
static Status entry_read(NpyFile *file, const char *name, zip_t *archive, zip_uint64_t index, bool header_only) {
  zip_stat_t info;
  if (zip_stat_index(archive, index, 0, &info) || !(info.valid & ZIP_STAT_SIZE) || info.size > ARRAY_MAX)
    return status_set(BAD_INPUT, "%s: its array is larger than 2 GiB, or its size is not known", name);
  zip_file_t *entry = zip_fopen_index(archive, index, 0);
  if (!entry) return status_set(BAD_INPUT, "%s: its array cannot be read: %s", name, zip_strerror(archive));
  size_t size = (size_t)info.size, want = header_only && size > NPY_HEADER ? NPY_HEADER : size, got = 0;
  char *bytes = xmalloc(want + 1);
  while (got < want) {
    zip_int64_t n = zip_fread(entry, bytes + got, want - got);
    if (n <= 0) break;
    got += (size_t)n;
  }
  int bad = zip_fclose(entry);
  Status status = OK;
  if (got < want || (bad && !header_only)) status = status_set(BAD_INPUT, "%s: is damaged or cut short", name);
  if (status == OK) status = npy_header(&file->header, name, bytes, got, size);
  if (status == OK && !header_only) file->bytes = bytes;
  else free(bytes);
  return status;
}

static Status archive_read(NpyFile *file, const char *name, zip_t *archive, const char *key, bool header_only) {
  char entry[128], list[256];
  snprintf(entry, sizeof entry, "%s.npy", key);
  zip_int64_t index = zip_name_locate(archive, entry, 0);
  if (index < 0 && zip_get_num_entries(archive, 0) == 1) index = 0;
  if (index >= 0) return entry_read(file, name, archive, (zip_uint64_t)index, header_only);
  arrays_list(archive, list, sizeof list);
  return status_set(BAD_INPUT, "%s: has no array '%s', but%s", name, key, *list ? list : " nothing");
}

/* Takes the archive (NULL: `error` says why) and the error. */
static Status archive_take(NpyFile *file, const char *name, zip_t *archive, zip_error_t *error, const char *key,
                           bool header_only) {
  Status status = archive ? archive_read(file, name, archive, key, header_only)
                          : status_set(BAD_INPUT, "%s: is not an npz archive: %s", name, zip_error_strerror(error));
  if (archive) zip_discard(archive);
  zip_error_fini(error);
  return status;
}

Status npz_parse(NpyFile *file, const char *name, const void *bytes, size_t size, const char *key, bool header_only) {
  *file = (NpyFile){0};
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
  zip_t *archive = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
  if (source && !archive) zip_source_free(source);
  return archive_take(file, name, archive, &error, key, header_only);
}

static Status npz_open(NpyFile *file, const char *path, const char *key, bool header_only) {
  zip_error_t error;
  int code = 0;
  zip_t *archive = zip_open(path, ZIP_RDONLY, &code);
  zip_error_init_with_code(&error, code);
  return archive_take(file, path, archive, &error, key, header_only);
}

/* The header of a .npy alone. */
static Status npy_peek(NpyFile *file, const char *path) {
  char bytes[NPY_HEADER];
  struct stat info;
  FILE *stream = fopen(path, "rb");
  if (!stream || fstat(fileno(stream), &info)) {
    if (stream) fclose(stream);
    return status_set(BAD_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
  }
  size_t size = fread(bytes, 1, sizeof bytes, stream);
  fclose(stream);
  return npy_header(&file->header, path, bytes, size, (size_t)info.st_size);
}

Status npy_read(NpyFile *file, const char *path, const char *key, bool header_only) {
  char *bytes;
  size_t size, n = strlen(path);
  *file = (NpyFile){0};
  if (n > 4 && strcmp(path + n - 4, ".npz") == 0) return npz_open(file, path, key, header_only);
  if (header_only) return npy_peek(file, path);
  TRY(file_read(path, 0, &bytes, &size));
  Status status = npy_header(&file->header, path, bytes, size, size);
  if (status == OK) file->bytes = bytes;
  else free(bytes);
  return status;
}
