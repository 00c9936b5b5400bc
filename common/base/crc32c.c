/* CRC-32C, eight table look-ups for eight bytes ("slicing by 8"), or the SSE 4.2 instruction where built for it: that can begin
 * once a cycle and takes three, so long runs are three at a time, whose remainders are then joined: a remainder that moves over
 * zeros is linear in its bits (a table for each of its bytes). */
#include "common/base/crc32c.h"

#include <string.h>

#ifdef __SSE4_2__
#include <nmmintrin.h>

enum { RUN = 4096 }; /* bytes */

static uint32_t over_run[4][256]; /* the remainder of a byte of a remainder, RUN zeros later */

static uint64_t word_at(const unsigned char *p) {
  uint64_t word;
  memcpy(&word, p, 8);
  return word;
}

__attribute__((constructor)) static void over_run_fill(void) {
  for (int bit = 0; bit < 32; bit++) {
    uint64_t state = 1u << bit;
    for (int i = 0; i < RUN; i += 8) state = _mm_crc32_u64(state, 0);
    uint32_t *table = over_run[bit / 8];
    for (int i = 0; i < 256; i++)
      if (i >> bit % 8 & 1) table[i] ^= (uint32_t)state;
  }
}

static uint64_t move_over_run(uint64_t state) {
  return over_run[0][state & 255] ^ over_run[1][state >> 8 & 255] ^ over_run[2][state >> 16 & 255] ^
         over_run[3][state >> 24];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  uint64_t state = (uint32_t)~crc;
  for (; size >= 3 * RUN; size -= 3 * RUN, p += 3 * RUN) {
    uint64_t second = 0, third = 0;
    for (int i = 0; i < RUN; i += 8) {
      state = _mm_crc32_u64(state, word_at(p + i));
      second = _mm_crc32_u64(second, word_at(p + RUN + i));
      third = _mm_crc32_u64(third, word_at(p + 2 * RUN + i));
    }
    state = move_over_run(move_over_run(state) ^ second) ^ third;
  }
  for (; size >= 8; size -= 8, p += 8) state = _mm_crc32_u64(state, word_at(p));
  uint32_t low = (uint32_t)state;
  for (; size; size--) low = _mm_crc32_u8(low, *p++);
  return ~low;
}

#else

static uint32_t table[8][256];

__attribute__((constructor)) static void table_fill(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
    table[0][i] = c;
  }
  for (int s = 1; s < 8; s++)
    for (uint32_t i = 0; i < 256; i++) table[s][i] = table[s - 1][i] >> 8 ^ table[0][table[s - 1][i] & 255];
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size) {
  const unsigned char *p = bytes;
  crc = ~crc;
  for (; size >= 8; size -= 8, p += 8) {
    uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
    crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
          table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
  }
  for (; size; size--) crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
  return ~crc;
}

#endif
