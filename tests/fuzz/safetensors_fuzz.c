/* libFuzzer: any bytes -> tensors or a message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/vision/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Safetensors *tensors;
  float values[4];
  char *bytes = malloc(size + 1);
  if (size > 0) memcpy(bytes, data, size);
  if (safetensors_parse(&tensors, "fuzz", bytes, size) != OK) return 0;
  (void)safetensors_floats(tensors, "a", 1, (int[]){4}, values);
  (void)safetensors_floats(tensors, "a", 2, (int[]){2, 2}, values);
  safetensors_close(tensors);
  return 0;
}
