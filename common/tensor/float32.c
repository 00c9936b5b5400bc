/* ROWS x 2 registers of sums, two of B and one for an element of A. */
#include "common/tensor/float32.h"

#include <string.h>

#include "common/tensor/lanes.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#if defined(__AVX512F__)
enum { ROWS = 14, ROOM = 16 };
#else
enum { ROWS = 6, ROOM = 8 };
#endif
enum {
  TILE = PRODUCT_TILE,
  COLUMNS = 2 * LANES,
  DEPTH = 512 /* a panel of B and some of A stay in the second cache */
};

static void turn(int vectors, const float *x, int ldx, Word *to, int stride) {
#if defined(__SSE__)
  for (int v = 0; v < vectors; v += 4) {
    for (int w = 0; w < TILE; w += 4) {
      const float *from = x + (long)v * ldx + w;
      __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + ldx);
      __m128 c = _mm_loadu_ps(from + 2 * (long)ldx), d = _mm_loadu_ps(from + 3 * (long)ldx);
      _MM_TRANSPOSE4_PS(a, b, c, d);
      Word *at = to + w * stride + v;
      _mm_storeu_ps(&at[0].one, a), _mm_storeu_ps(&at[stride].one, b);
      _mm_storeu_ps(&at[2 * stride].one, c), _mm_storeu_ps(&at[3 * stride].one, d);
    }
  }
#else
  for (int w = 0; w < TILE; w++)
    for (int v = 0; v < vectors; v++) to[w * stride + v].one = x[(long)v * ldx + w];
#endif
}

static void join(int vectors, const float *x, int ldx, Word *to, int stride) {
  for (int w = 0; w < TILE; w++, x += ldx, to += stride)
    for (int v = 0; v < vectors; v += 8) memcpy(to + v, x + v, 8 * sizeof *to); /* a size that the compiler knows */
}

static inline __attribute__((always_inline)) void sums(const int rows, int depth, const Word *a, const Word *b,
                                                       bool add, float *y, int ldy) {
  Lanes sum[ROWS][2];
  for (int r = 0; r < rows; r++) {
    for (int v = 0; v < 2; v++) sum[r][v] = lanes_all(0);
    __builtin_prefetch(y + (long)r * ldy, 1);
    __builtin_prefetch(y + (long)r * ldy + COLUMNS - 1, 1);
  }
#pragma GCC unroll 4
  for (int k = 0; k < depth; k++, a += ROOM, b += COLUMNS) {
    Lanes b0 = lanes_load(&b->one), b1 = lanes_load(&b[LANES].one);
    for (int r = 0; r < rows; r++) {
      Lanes all = lanes_all(a[r].one);
      sum[r][0] = lanes_fma(all, b0, sum[r][0]);
      sum[r][1] = lanes_fma(all, b1, sum[r][1]);
    }
  }
  for (int r = 0; r < rows; r++, y += ldy) {
    for (int v = 0; v < 2; v++)
      lanes_store(y + v * LANES, add ? lanes_add(lanes_load(y + v * LANES), sum[r][v]) : sum[r][v]);
  }
}

static void multiply(int rows, int depth, const Word *a, const Word *b, bool add, float *y, int ldy) {
  switch (rows) {
#define CASE(n) \
  case n: sums(n, depth, a, b, add, y, ldy); break
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
#if defined(__AVX512F__)
    CASE(7);
    CASE(8);
    CASE(9);
    CASE(10);
    CASE(11);
    CASE(12);
    CASE(13);
    CASE(14);
#endif
#undef CASE
  }
}

#if defined(__AVX512F__)
#define NAME "AVX-512"
#elif defined(__AVX2__) && defined(__FMA__)
#define NAME "AVX2"
#elif defined(__aarch64__)
#define NAME "NEON"
#else
#define NAME "portable"
#endif

const ProductKernel float32_kernel = {.name = NAME,
                                      .elements = 1,
                                      .rows = ROWS,
                                      .columns = COLUMNS,
                                      .room = ROOM,
                                      .depth = DEPTH,
                                      .turn = turn,
                                      .join = join,
                                      .multiply = multiply};
