/* Unicode by binary search in ranges. */
#include "common/score/unicode.h"

typedef struct UnicodeClassRange {
  uint16_t first, last;
  uint8_t class;
} UnicodeClassRange;

/* Every step-th character of the range is a capital, its small letter `delta` behind. */
typedef struct UnicodeLowerRange {
  uint16_t first, last;
  int32_t delta;
  uint8_t step;
} UnicodeLowerRange;

#include "common/score/unicode_table.h"

unsigned char unicode_class(uint32_t code) {
  if (code < 0x80) return code < ' ' || code == 0x7F ? UNICODE_SPACE : (unsigned char)code;
  for (size_t low = 0, high = sizeof CLASSES / sizeof *CLASSES; low < high;) {
    size_t middle = (low + high) / 2;
    if (code < CLASSES[middle].first) high = middle;
    else if (code > CLASSES[middle].last) low = middle + 1;
    else return CLASSES[middle].class;
  }
  return UNICODE_GONE;
}

uint32_t unicode_lower(uint32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  for (size_t low = 0, high = sizeof LOWERS / sizeof *LOWERS; low < high;) {
    size_t middle = (low + high) / 2;
    const UnicodeLowerRange *range = &LOWERS[middle];
    if (code < range->first) high = middle;
    else if (code > range->last) low = middle + 1;
    else return (code - range->first) % range->step ? code : code + (uint32_t)range->delta;
  }
  return code;
}
