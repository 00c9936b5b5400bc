/* Words are pairs of elements, the first in the low half. */
#include "common/tensor/bf16.h"

#include <string.h>

#include "common/tensor/vecmath.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  TILE = PRODUCT_TILE,
  ROWS = 14,
  COLUMNS = 2 * TILE,
  DEPTH = 2048,
};

/* --- any processor ------------------------------------------------------------------------------------------------ */

/* The bits of x in bfloat16. */
static inline uint32_t rounded(float x) {
  FloatBits bits = {.f = x};
  uint32_t up = (bits.u + 0x7fffu + (bits.u >> 16 & 1)) >> 16, nan = bits.u >> 16 | 0x40u;
  return (bits.u & 0x7fffffffu) > 0x7f800000u ? nan : up;
}

static float widened(uint32_t bits) { return (FloatBits){.u = bits}.f; }

static void turn(int vectors, const float *x, int ldx, Word *to, int stride) {
  for (int v = 0; v < vectors; v++, x += ldx)
    for (int p = 0; p < TILE; p++) to[p * stride + v].pair = rounded(x[2 * p]) | rounded(x[2 * p + 1]) << 16;
}

static void join(int vectors, const float *x, int ldx, Word *to, int stride) {
  for (int p = 0; p < TILE; p++, x += 2 * ldx, to += stride) {
#pragma omp simd
    for (int v = 0; v < vectors; v++) to[v].pair = rounded(x[v]) | rounded(x[ldx + v]) << 16;
  }
}

static void multiply(int rows, int pairs, const Word *a, const Word *b, bool add, float *y, int ldy) {
  for (int r = 0; r < rows; r++, y += ldy) {
    float sum[COLUMNS] = {0};
    if (add) memcpy(sum, y, sizeof sum);
    for (int p = 0; p < pairs; p++) {
      const Word *right = b + (long)p * COLUMNS;
      uint32_t pair = a[(long)p * TILE + r].pair;
      float low = widened(pair << 16), high = widened(pair & 0xffff0000u);
#pragma omp simd
      for (int c = 0; c < COLUMNS; c++) {
        sum[c] = MULADD(low, widened(right[c].pair << 16), sum[c]);
        sum[c] = MULADD(high, widened(right[c].pair & 0xffff0000u), sum[c]);
      }
    }
    memcpy(y, sum, sizeof sum);
  }
}

static const ProductKernel portable = {.name = "portable",
                                       .elements = 2,
                                       .rows = ROWS,
                                       .columns = COLUMNS,
                                       .room = TILE,
                                       .depth = DEPTH,
                                       .turn = turn,
                                       .join = join,
                                       .multiply = multiply};

/* --- AVX-512-BF16 ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512bf16")))

/* Of TILE vectors, which is all that these kernels ask for. */
AVX512 static void avx512_turn(int vectors, const float *x, int ldx, Word *to, int stride) {
  (void)vectors;
  __m512i a[TILE], b[TILE];
  for (int v = 0; v < TILE; v++, x += ldx)
    a[v] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + TILE), _mm512_loadu_ps(x));
  for (int v = 0; v < TILE; v += 2)
    b[v] = _mm512_unpacklo_epi32(a[v], a[v + 1]), b[v + 1] = _mm512_unpackhi_epi32(a[v], a[v + 1]);
  for (int v = 0; v < TILE; v += 4)
    for (int i = 0; i < 2; i++) {
      a[v + 2 * i] = _mm512_unpacklo_epi64(b[v + i], b[v + 2 + i]);
      a[v + 2 * i + 1] = _mm512_unpackhi_epi64(b[v + i], b[v + 2 + i]);
    }
  /* a[4 g + i] holds words i, 4 + i, 8 + i, 12 + i of vectors 4 g .. 4 g + 3 */
  for (int i = 0; i < 4; i++) {
    __m512i even0 = _mm512_shuffle_i32x4(a[i], a[4 + i], 0x88), odd0 = _mm512_shuffle_i32x4(a[i], a[4 + i], 0xdd);
    __m512i even1 = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0x88);
    __m512i odd1 = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0xdd);
    _mm512_storeu_si512(to + i * stride, _mm512_shuffle_i32x4(even0, even1, 0x88));
    _mm512_storeu_si512(to + (4 + i) * stride, _mm512_shuffle_i32x4(odd0, odd1, 0x88));
    _mm512_storeu_si512(to + (8 + i) * stride, _mm512_shuffle_i32x4(even0, even1, 0xdd));
    _mm512_storeu_si512(to + (12 + i) * stride, _mm512_shuffle_i32x4(odd0, odd1, 0xdd));
  }
}

AVX512 static void avx512_join(int vectors, const float *x, int ldx, Word *to, int stride) {
  (void)vectors;
  __m512i low = _mm512_set1_epi32(0xffff);
  for (int p = 0; p < TILE; p++, x += 2 * ldx, to += stride) {
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + ldx), _mm512_loadu_ps(x));
    __m512i first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both));
    __m512i second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(both, 1));
    _mm512_storeu_si512(to, _mm512_or_si512(_mm512_and_si512(first, low), _mm512_slli_epi32(second, 16)));
  }
}

AVX512 static inline __attribute__((always_inline)) void avx512_rows(const int rows, int pairs, const Word *a,
                                                                     const Word *b, bool add, float *y, int ldy) {
  __m512 sum[ROWS][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) sum[r][v] = add ? _mm512_loadu_ps(y + (long)r * ldy + TILE * v) : _mm512_setzero_ps();
  for (int r = 0; r < rows; r++)
    __builtin_prefetch(y + (long)r * ldy, 1), __builtin_prefetch(y + (long)r * ldy + TILE, 1);
  for (int p = 0; p < pairs; p++, a += TILE, b += COLUMNS) {
    __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + TILE);
    for (int r = 0; r < rows; r++) {
      __m512bh pair = (__m512bh)_mm512_set1_epi32((int)a[r].pair);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, b0);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, b1);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) _mm512_storeu_ps(y + (long)r * ldy + TILE * v, sum[r][v]);
}

AVX512 static void avx512_multiply(int rows, int pairs, const Word *a, const Word *b, bool add, float *y, int ldy) {
  switch (rows) {
#define CASE(n) \
  case n: avx512_rows(n, pairs, a, b, add, y, ldy); break
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
    CASE(7);
    CASE(8);
    CASE(9);
    CASE(10);
    CASE(11);
    CASE(12);
    CASE(13);
    CASE(14);
#undef CASE
  }
}

static const ProductKernel avx512 = {.name = "AVX-512",
                                     .elements = 2,
                                     .rows = ROWS,
                                     .columns = COLUMNS,
                                     .room = TILE,
                                     .depth = DEPTH,
                                     .turn = avx512_turn,
                                     .join = avx512_join,
                                     .multiply = avx512_multiply};
#endif

static bool only_portable;

void bf16_portable_set(bool set) { only_portable = set; }

const ProductKernel *bf16_kernel(void) {
#if defined(__x86_64__)
  if (!only_portable && __builtin_cpu_supports("avx512bf16")) return &avx512;
#endif
  return &portable;
}
