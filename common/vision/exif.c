/* EXIF: the orientation tag only. Damage here is not an error, the picture is just not turned. */
#include "common/vision/codec.h"

#include <stdbool.h>

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

static unsigned read_u16(const uint8_t *at, bool little) {
  return little ? at[0] | (unsigned)at[1] << 8 : at[1] | (unsigned)at[0] << 8;
}

static size_t read_u32(const uint8_t *at, bool little) {
  size_t first = read_u16(at, little), second = read_u16(at + 2, little);
  return little ? first | second << 16 : second | first << 16;
}

int exif_orientation(const uint8_t *tiff, size_t size) {
  if (size < 14 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  bool little = tiff[0] == 'I';
  size_t directory = read_u32(tiff + 4, little);
  if (read_u16(tiff + 2, little) != 42 || directory > size - 2) return 1;
  unsigned entries = read_u16(tiff + directory, little);
  for (unsigned i = 0; i < entries; i++) {
    size_t at = directory + 2 + 12 * (size_t)i;
    if (at + 12 > size) return 1;
    if (read_u16(tiff + at, little) != TAG_ORIENTATION) continue;
    unsigned value = read_u16(tiff + at + 8, little);
    return read_u16(tiff + at + 2, little) == TYPE_SHORT && value >= 1 && value <= 8 ? (int)value : 1;
  }
  return 1;
}
