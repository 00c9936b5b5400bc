/* Three bytes are four letters. */
#include "common/base/base64.h"

#include <stdint.h>
#include <string.h>

#include "common/base/status.h"

char *base64_text(const char *prefix, const void *bytes, size_t size) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *in = bytes;
  size_t length = strlen(prefix);
  char *text = xmalloc(length + (size + 2) / 3 * 4 + 1), *out = text + length;
  memcpy(text, prefix, length);
  for (size_t i = 0; i < size; i += 3) {
    size_t left = size - i;
    uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0u);
    *out++ = letters[word >> 18];
    *out++ = letters[word >> 12 & 63];
    *out++ = left > 1 ? letters[word >> 6 & 63] : '=';
    *out++ = left > 2 ? letters[word & 63] : '=';
  }
  *out = 0;
  return text;
}
