/* The formulas of tests/golden/vision/make_*_golden.py: numbers from a tensor's name, a picture from a seed. Included by tests
 * only. */
#ifndef TROUPE_TESTS_FORMULA_H
#define TROUPE_TESTS_FORMULA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline uint32_t name_hash(const char *name) {
  uint32_t value = 2166136261u;
  for (; *name; name++) value = (value ^ (uint8_t)*name) * 16777619u;
  return value;
}

static inline float formula_uniform(uint32_t seed, uint32_t i) {
  uint32_t x = (i + seed) * 2654435761u;
  x ^= x >> 15;
  x *= 2246822519u;
  x ^= x >> 13;
  return (float)(x >> 8) / 8388608.0f - 1;
}

static inline bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static inline void formula_picture(int side, int seed, uint8_t *rgb) {
  for (int y = 0; y < side; y++) {
    for (int x = 0; x < side; x++) {
      for (int c = 0; c < 3; c++) {
        int wave = (x * (c + 1 + seed) + y * (3 - c)) % 256, noise = (x * 31 + y * 17 + c * 7 + x * y) % 32;
        int value = abs(wave - 128) * 7 / 4 + noise;
        rgb[(y * side + x) * 3 + c] = (uint8_t)(value > 255 ? 255 : value);
      }
    }
  }
}

#endif
