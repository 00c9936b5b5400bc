/* libFuzzer: any bytes -> an array or a message; as a .npz and as a .npy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void values_take(const NpyHeader *header, const char *bytes) {
  if (header->count > (size_t)1 << 20) return; /* such a file would be as large */
  float *values = malloc((header->count + 1) * sizeof *values);
  npy_floats(header, bytes, values);
  free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  NpyFile file;
  NpyHeader header;
  if (npz_parse(&file, "fuzz.npz", data, size, "feat", false) == OK) {
    values_take(&file.header, file.bytes);
    npy_free(&file);
  } else {
    CHECK(status_message()[0] != '\0');
  }
  (void)npz_parse(&file, "fuzz.npz", data, size, "feat", true);
  char *bytes = malloc(size + 1);
  if (size) memcpy(bytes, data, size);
  if (npy_header(&header, "fuzz.npy", bytes, size, size) == OK) values_take(&header, bytes);
  free(bytes);
  return 0;
}
