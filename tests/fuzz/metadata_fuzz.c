/* The metadata that `troupe import` makes a checkpoint of: any bytes as its JSON. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/checkpoint_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = xcalloc(size + 1, 1);
  memcpy(text, data, size);
  Checkpoint checkpoint;
  if (checkpoint_from_metadata(&checkpoint, "fuzz", text, "") == OK) {
    json_t *again = checkpoint_metadata(&checkpoint);
    CHECK(json_is_object(again));
    json_decref(again);
  }
  checkpoint_free(&checkpoint);
  free(text);
  return 0;
}
