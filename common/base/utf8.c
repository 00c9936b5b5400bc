/* UTF-8. */
#include "common/base/utf8.h"

size_t unicode_decode(const char *bytes, size_t size, uint32_t *code) {
  const unsigned char *b = (const unsigned char *)bytes;
  *code = b[0];
  if (b[0] < 0x80) return 1;
  size_t length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
  uint32_t value = b[0] & (0x7Fu >> length);
  *code = 0xFFFD;
  if (b[0] < 0xC2 || b[0] > 0xF4 || length > size) return 1;
  for (size_t i = 1; i < length; i++) {
    if ((b[i] & 0xC0) != 0x80) return 1;
    value = value << 6 | (b[i] & 0x3Fu);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return 1;
  *code = value;
  return length;
}

size_t unicode_encode(uint32_t code, char *bytes) {
  if (code < 0x80) {
    bytes[0] = (char)code;
    return 1;
  }
  size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length; i-- > 1; code >>= 6) bytes[i] = (char)(0x80 | (code & 0x3F));
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  bytes[0] = (char)(lead[length] | code);
  return length;
}
