/* Writing safetensors: 8 bytes of header length, the header padded by blanks to a multiple of 8, the data in order. */
#include "common/vision/safetensors_write.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

static size_t entry_bytes(const SafetensorsEntry *entry) {
  return sizeof(float) * (size_t)entry->shape[0] * (size_t)(entry->rank == 2 ? entry->shape[1] : 1);
}

static char *header_text(const SafetensorsEntry *entry, int count, const json_t *metadata) {
  json_t *root = json_object();
  if (metadata) json_object_set(root, "__metadata__", (json_t *)metadata);
  size_t at = 0;
  for (int i = 0; i < count; i++) {
    CHECK(entry[i].rank == 1 || entry[i].rank == 2);
    json_t *shape = json_array();
    for (int k = 0; k < entry[i].rank; k++) json_array_append_new(shape, json_integer(entry[i].shape[k]));
    size_t end = at + entry_bytes(&entry[i]);
    json_object_set_new(root, entry[i].name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                  (json_int_t)at, (json_int_t)end));
    at = end;
  }
  char *text = json_dumps(root, JSON_COMPACT);
  json_decref(root);
  size_t length = strlen(text), padded = (length + 7) & ~(size_t)7;
  text = xrealloc(text, padded + 1);
  memset(text + length, ' ', padded - length);
  text[padded] = 0;
  return text;
}

static bool put(FILE *file, const char *header, const SafetensorsEntry *entry, int count) {
  uint64_t length = strlen(header);
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> (8 * i));
  bool good = fwrite(bytes, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length;
  for (int i = 0; i < count && good; i++)
    good = fwrite(entry[i].values, 1, entry_bytes(&entry[i]), file) == entry_bytes(&entry[i]);
  return good;
}

Status safetensors_write(const char *path, const SafetensorsEntry *entry, int count, const json_t *metadata) {
  char *header = header_text(entry, count, metadata), *temporary = file_temporary(path);
  FILE *file = fopen(temporary, "wb");
  bool good = file && put(file, header, entry, count);
  int error = errno;
  if (file && fclose(file) != 0 && good) good = false, error = errno;
  free(header);
  if (good) return file_commit(temporary, path);
  file_discard(temporary);
  return status_set(FAILED, "%s: cannot be written: %s", path, strerror(error));
}
