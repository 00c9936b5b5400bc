/* Random numbers: Philox4x32-10 known answers, keys, distributions. */
#include "common/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Random123's known-answer vectors for philox4x32-10 (Salmon et al., kat_vectors). */
static void philox_known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], out[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    uint32_t out[4];
    philox4x32(known[i].counter, known[i].key, out);
    assert_memory_equal(out, known[i].out, sizeof out);
  }
}

/* Each field of the key, and nothing else, changes the draw. */
static void every_field_counts(void **state) {
  (void)state;
  const RngKey base = {.seed = 7, .stage = RNG_SAMPLE, .iteration = 3, .image = 9, .sample = 2, .position = 5};
  RngKey keys[8] = {base, base, base, base, base, base, base, base};
  keys[1].seed = 8;
  keys[2].seed = (uint64_t)7 | (uint64_t)1 << 32;
  keys[3].stage = RNG_DROPOUT;
  keys[4].iteration = 4;
  keys[5].image = 10;
  keys[6].sample = 3;
  keys[7].position = 6;
  uint32_t words[8][4], again[4];
  for (int i = 0; i < 8; i++) rng_words(&keys[i], words[i]);
  rng_words(&base, again);
  assert_memory_equal(again, words[0], sizeof again);
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < i; j++) assert_memory_not_equal(words[i], words[j], sizeof again);
}

static void uniform_is_uniform(void **state) {
  (void)state;
  enum { DRAWS = 20000, BINS = 20 };
  int bin[BINS] = {0};
  double sum = 0, chi = 0;
  for (uint32_t i = 0; i < DRAWS; i++) {
    RngKey key = {.seed = 1, .stage = RNG_TEST, .image = i};
    double u = (double)rng_uniform(&key), v = rng_uniform53(&key);
    assert_true(u >= 0 && u < 1 && v >= 0 && v < 1);
    bin[(int)(u * BINS)]++;
    sum += v;
  }
  for (int b = 0; b < BINS; b++) chi += pow(bin[b] - (double)DRAWS / BINS, 2) / ((double)DRAWS / BINS);
  assert_true(chi < 43.8); /* 99.9 % quantile of chi-square with 19 degrees of freedom */
  assert_true(fabs(sum / DRAWS - 0.5) < 0.01);
}

static void normal_has_its_moments(void **state) {
  (void)state;
  enum { DRAWS = 20000 };
  double sum = 0, square = 0;
  for (uint32_t i = 0; i < DRAWS; i++) {
    RngKey key = {.seed = 2, .stage = RNG_TEST, .image = i};
    double z = (double)rng_normal(&key);
    sum += z;
    square += z * z;
  }
  assert_true(fabs(sum / DRAWS) < 0.03);
  assert_true(fabs(square / DRAWS - 1) < 0.05);
}

static void below_stays_below(void **state) {
  (void)state;
  int seen[7] = {0};
  for (uint32_t i = 0; i < 7000; i++) {
    RngKey key = {.seed = 3, .stage = RNG_TEST, .image = i};
    uint32_t value = rng_below(&key, 7);
    assert_true(value < 7);
    seen[value]++;
    assert_int_equal(rng_below(&key, 1), 0);
    assert_true(rng_below(&key, 0xffffffffu) < 0xffffffffu);
  }
  for (int v = 0; v < 7; v++) assert_true(seen[v] > 850 && seen[v] < 1150);
}

static void shuffle_permutes(void **state) {
  (void)state;
  enum { N = 100 };
  int32_t a[N], b[N], other[N];
  int seen[N] = {0}, fixed = 0;
  for (int i = 0; i < N; i++) a[i] = b[i] = other[i] = i;
  RngKey key = {.seed = 4, .stage = RNG_ORDER, .iteration = 1};
  rng_shuffle(key, a, N);
  rng_shuffle(key, b, N);
  key.iteration = 2;
  rng_shuffle(key, other, N);
  assert_memory_equal(a, b, sizeof a);
  assert_memory_not_equal(a, other, sizeof a);
  for (int i = 0; i < N; i++) seen[a[i]]++, fixed += a[i] == i;
  for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
  assert_true(fixed < 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_known_answers), cmocka_unit_test(every_field_counts),
      cmocka_unit_test(uniform_is_uniform),   cmocka_unit_test(normal_has_its_moments),
      cmocka_unit_test(below_stays_below),    cmocka_unit_test(shuffle_permutes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
