/* Fuzzes the dataset reader: any file is a dataset that fits its hashes, or is refused with a message. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* HDF5 1.10 leaks on some damaged files, and reads past the end of a message in some object headers (H5Aexists_by_name, 32 bytes);
 * that is not ours to find here. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5\n"; }
const char *__asan_default_suppressions(void);
const char *__asan_default_suppressions(void) { return "interceptor_via_lib:libhdf5\n"; }

static char path[] = "/tmp/dataset-fuzz-XXXXXX"; /* a file with a name: HDF5 does not open memory by /proc */
static void path_drop(void) { unlink(path); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int file = -1;
  if (file < 0) {
    file = mkstemp(path);
    atexit(path_drop);
  }
  CHECK(file >= 0 && ftruncate(file, 0) == 0);
  CHECK(pwrite(file, data, size, 0) == (ssize_t)size);
  Dataset dataset;
  if (dataset_open(&dataset, path, true) == OK) {
    float *grid = malloc((size_t)dataset.cells * (size_t)dataset.features * sizeof *grid);
    CHECK(grid && (dataset.images == 0 || dataset_features(&dataset, 0, grid) == OK));
    free(grid);
  } else {
    CHECK(status_message()[0] != '\0');
  }
  dataset_close(&dataset);
  return 0;
}
