/* libFuzzer: any bytes -> a picture or a message. Large declared pictures are passed over: they only cost time. */
#include <stddef.h>
#include <stdint.h>

#include "common/vision/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int frame_is_large(const uint8_t *data, size_t size) {
  for (size_t i = 0; i + 9 <= size; i++) {
    if (data[i] != 0xFF || data[i + 1] < 0xC0 || data[i + 1] > 0xCF) continue;
    if ((data[i + 5] * 256L + data[i + 6]) * (data[i + 7] * 256 + data[i + 8]) > 1 << 20) return 1;
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (frame_is_large(data, size)) return 0;
  Image image = {0};
  if (image_decode(&image, "fuzz", data, size, 64) == OK && (image.width < 1 || image.height < 1)) __builtin_trap();
  image_free(&image);
  return 0;
}
