/* Philox4x32-10 and the distributions drawn from it. */
#include "common/base/rng.h"

#include <math.h>

#include "common/base/status.h"

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

void rng_words(const RngKey *key, uint32_t out[4]) {
  CHECK(key->sample < 65536 && key->position < 65536);
  uint32_t counter[4] = {key->position | key->sample << 16, key->image, key->iteration, (uint32_t)key->stage};
  uint32_t philox_key[2] = {(uint32_t)key->seed, (uint32_t)(key->seed >> 32)};
  philox4x32(counter, philox_key, out);
}

float rng_uniform(const RngKey *key) {
  uint32_t words[4];
  rng_words(key, words);
  return (float)(words[0] >> 8) * 0x1p-24f;
}

double rng_uniform53(const RngKey *key) {
  uint32_t words[4];
  rng_words(key, words);
  return (double)(((uint64_t)words[0] << 21) ^ (words[1] >> 11)) * 0x1p-53;
}

float rng_normal(const RngKey *key) {
  uint32_t words[4];
  rng_words(key, words);
  double u = ((double)words[0] + 0.5) * 0x1p-32, v = (double)words[1] * 0x1p-32;
  return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

uint32_t rng_below(const RngKey *key, uint32_t bound) {
  uint32_t words[4];
  rng_words(key, words);
  uint64_t high = (uint64_t)words[0] * bound, low = (uint64_t)words[1] * bound; /* 64 random bits times bound, / 2^64 */
  return (uint32_t)((high + (low >> 32)) >> 32);
}

void rng_shuffle(RngKey key, int32_t *items, int count) {
  for (int i = count - 1; i > 0; i--) {
    key.image = (uint32_t)i;
    int j = (int)rng_below(&key, (uint32_t)i + 1);
    int32_t item = items[i];
    items[i] = items[j];
    items[j] = item;
  }
}
