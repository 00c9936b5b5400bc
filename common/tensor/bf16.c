/* Either operand is cut into panels of some of its vectors: packed[panel][pair of depth][vector], a word holding the
 * two elements of a pair. The kernel keeps ROWS x COLUMNS sums in registers and adds the products of one pair to each
 * at a time. After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008). */
#include "common/tensor/bf16.h"

#include <omp.h>
#include <string.h>

#include "common/base/status.h"
#include "common/tensor/vecmath.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  TILE = 16,
  ROWS = 14,          /* of a panel of A, which has room for TILE */
  COLUMNS = 2 * TILE, /* of a panel of B */
  DEPTH = 2048,       /* elements that are summed in registers; the sums of such blocks are added in order */
  PANELS = 12,        /* of A that a thread lays out at a time, half as many where they are deep */
  WIDTH = 4096,       /* columns of B laid out at a time in bf16_gemm; inside a parallel region */
  WIDTH_INSIDE = 128, /* so many, on the thread's stack */
};

static int smaller(int a, int b) { return a < b ? a : b; }

static int pairs_of(int depth) { return (depth + 1) / 2; }

static int column_panels(int columns) { return (columns + COLUMNS - 1) / COLUMNS; }

/* What a processor does its own way. Tiles are TILE vectors of 2 TILE elements: vector v of them begins at x + v * ldx
 * (turn), or its elements stand at x + k * ldx + v (join); pair p of vector v goes to to[p * stride + v]. */
typedef struct Machine {
  const char *name;
  void (*turn)(const float *x, int ldx, uint32_t *to, int stride);
  void (*join)(const float *x, int ldx, uint32_t *to, int stride);
  /* y [rows, COLUMNS] = (add ? y : 0) + a b of so many pairs */
  void (*multiply)(int rows, int pairs, const uint32_t *a, const uint32_t *b, bool add, float *y, int ldy);
} Machine;

/* --- any processor ------------------------------------------------------------------------------------------------ */

/* The bits of x in bfloat16. */
static inline uint32_t rounded(float x) {
  FloatBits bits = {.f = x};
  uint32_t up = (bits.u + 0x7fffu + (bits.u >> 16 & 1)) >> 16, nan = bits.u >> 16 | 0x40u;
  return (bits.u & 0x7fffffffu) > 0x7f800000u ? nan : up;
}

static float widened(uint32_t bits) { return (FloatBits){.u = bits}.f; }

static void turn(const float *x, int ldx, uint32_t *to, int stride) {
  for (int v = 0; v < TILE; v++, x += ldx)
    for (int p = 0; p < TILE; p++) to[p * stride + v] = rounded(x[2 * p]) | rounded(x[2 * p + 1]) << 16;
}

static void join(const float *x, int ldx, uint32_t *to, int stride) {
  for (int p = 0; p < TILE; p++, x += 2 * ldx, to += stride) {
#pragma omp simd
    for (int v = 0; v < TILE; v++) to[v] = rounded(x[v]) | rounded(x[ldx + v]) << 16;
  }
}

static void multiply(int rows, int pairs, const uint32_t *a, const uint32_t *b, bool add, float *y, int ldy) {
  for (int r = 0; r < rows; r++, y += ldy) {
    float sum[COLUMNS] = {0};
    if (add) memcpy(sum, y, sizeof sum);
    for (int p = 0; p < pairs; p++) {
      const uint32_t *right = b + (long)p * COLUMNS;
      uint32_t pair = a[(long)p * TILE + r];
      float low = widened(pair << 16), high = widened(pair & 0xffff0000u);
#pragma omp simd
      for (int c = 0; c < COLUMNS; c++) {
        sum[c] = MULADD(low, widened(right[c] << 16), sum[c]);
        sum[c] = MULADD(high, widened(right[c] & 0xffff0000u), sum[c]);
      }
    }
    memcpy(y, sum, sizeof sum);
  }
}

static const Machine portable = {"portable", turn, join, multiply};

/* --- AVX-512-BF16 ------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512bf16")))

AVX512 static void avx512_turn(const float *x, int ldx, uint32_t *to, int stride) {
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

AVX512 static void avx512_join(const float *x, int ldx, uint32_t *to, int stride) {
  __m512i low = _mm512_set1_epi32(0xffff);
  for (int p = 0; p < TILE; p++, x += 2 * ldx, to += stride) {
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + ldx), _mm512_loadu_ps(x));
    __m512i first = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(both));
    __m512i second = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(both, 1));
    _mm512_storeu_si512(to, _mm512_or_si512(_mm512_and_si512(first, low), _mm512_slli_epi32(second, 16)));
  }
}

AVX512 static inline __attribute__((always_inline)) void avx512_rows(const int rows, int pairs, const uint32_t *a,
                                                                     const uint32_t *b, bool add, float *y, int ldy) {
  __m512 sum[ROWS][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) sum[r][v] = add ? _mm512_loadu_ps(y + (long)r * ldy + TILE * v) : _mm512_setzero_ps();
  for (int r = 0; r < rows; r++)
    __builtin_prefetch(y + (long)r * ldy, 1), __builtin_prefetch(y + (long)r * ldy + TILE, 1);
  for (int p = 0; p < pairs; p++, a += TILE, b += COLUMNS) {
    __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + TILE);
    for (int r = 0; r < rows; r++) {
      __m512bh pair = (__m512bh)_mm512_set1_epi32((int)a[r]);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, b0);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, b1);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) _mm512_storeu_ps(y + (long)r * ldy + TILE * v, sum[r][v]);
}

AVX512 static void avx512_multiply(int rows, int pairs, const uint32_t *a, const uint32_t *b, bool add, float *y,
                                   int ldy) {
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

static const Machine avx512 = {"AVX-512", avx512_turn, avx512_join, avx512_multiply};
#endif

static bool only_portable;

void bf16_portable_set(bool set) { only_portable = set; }

static const Machine *machine_choose(void) {
#if defined(__x86_64__)
  if (!only_portable && __builtin_cpu_supports("avx512bf16")) return &avx512;
#endif
  return &portable;
}

const char *bf16_name(void) { return machine_choose()->name; }

/* --- layout ------------------------------------------------------------------------------------------------------- */

/* A tile of which so many vectors and elements are there; `along`: the elements of a vector lie side by side. */
static void tile_fill(const Machine *machine, bool along, int vectors, int depth, const float *x, int ldx, uint32_t *to,
                      int stride) {
  void (*fill)(const float *, int, uint32_t *, int) = along ? machine->turn : machine->join;
  if (vectors >= TILE && depth >= 2 * TILE) {
    fill(x, ldx, to, stride);
    return;
  }
  vectors = smaller(vectors, TILE), depth = smaller(depth, 2 * TILE);
  float edge[2 * TILE * TILE] = {0};
  uint32_t tile[TILE * TILE];
  int rows = along ? vectors : depth, columns = along ? depth : vectors, width = along ? 2 * TILE : TILE;
  for (int i = 0; i < rows; i++) memcpy(edge + i * width, x + (long)i * ldx, (size_t)columns * sizeof *x);
  fill(edge, width, tile, TILE);
  for (int p = 0; p < pairs_of(depth); p++) memcpy(to + p * stride, tile + p * TILE, TILE * sizeof *to);
}

static int chunks_of(int depth) { return (depth + 2 * TILE - 1) / (2 * TILE); }

/* Of columns, tiles are taken in the order in which B lies: a part is a tile's chunks, or a chunk's tiles. */
static int column_parts(bool transpose, int columns, int depth) {
  return transpose ? column_panels(columns) * (COLUMNS / TILE) : chunks_of(depth);
}

static void columns_fill(bool transpose, int part, int columns, int depth, const float *b, int ldb, uint32_t *packed) {
  const Machine *machine = machine_choose();
  for (int i = 0; i < column_parts(!transpose, columns, depth); i++) {
    int tile = transpose ? part : i, j = tile * TILE, k = (transpose ? i : part) * 2 * TILE;
    uint32_t *to = packed + (long)(tile / 2) * COLUMNS * pairs_of(depth) + tile % 2 * TILE;
    tile_fill(machine, transpose, columns - j > 0 ? columns - j : 0, depth - k,
              transpose ? b + (long)j * ldb + k : b + (long)k * ldb + j, ldb, to + (long)k / 2 * COLUMNS, COLUMNS);
  }
}

/* Panel i from row first[i] on. */
static void rows_fill(bool transpose, int panels, const int *first, int depth, const float *a, int lda,
                      uint32_t *packed) {
  const Machine *machine = machine_choose();
  int chunks = chunks_of(depth);
  for (int outer = 0; outer < (transpose ? chunks : panels); outer++) {
    for (int inner = 0; inner < (transpose ? panels : chunks); inner++) {
      int i = transpose ? inner : outer, k = (transpose ? outer : inner) * 2 * TILE;
      tile_fill(machine, !transpose, first[panels] - first[i], depth - k,
                transpose ? a + (long)k * lda + first[i] : a + (long)first[i] * lda + k, lda,
                packed + ((long)i * pairs_of(depth) + k / 2) * TILE, TILE);
    }
  }
}

/* --- products ----------------------------------------------------------------------------------------------------- */

/* Rows of C that a thread makes at a time. */
static int band_rows(int depth) { return depth > DEPTH / 2 ? PANELS / 2 * ROWS : PANELS * ROWS; }

/* At most band_rows(depth) rows of C, columns of some panels of B. */
static void band_product(bool transpose_a, int rows, int columns, int depth, const float *a, int lda, const uint32_t *b,
                         bool add, float *c, int ldc) {
  _Alignas(64) uint32_t left[PANELS / 2 * (DEPTH / 2) * TILE];
  const Machine *machine = machine_choose();
  int blocks = (rows + ROWS - 1) / ROWS, pairs = pairs_of(depth), first[PANELS + 1] = {0};
  for (int i = 0; i <= blocks; i++) first[i] = rows * i / blocks; /* spread evenly */
  rows_fill(transpose_a, blocks, first, depth, a, lda, left);
  for (int j = 0; j < columns; j += COLUMNS, b += (long)pairs * COLUMNS) {
    int width = smaller(COLUMNS, columns - j);
    for (int i = 0; i < blocks; i++) {
      const uint32_t *panel = left + (long)i * pairs * TILE;
      float *to = c + (long)first[i] * ldc + j, edge[ROWS * COLUMNS];
      int count = first[i + 1] - first[i];
      if (width == COLUMNS) {
        machine->multiply(count, pairs, panel, b, add, to, ldc);
        continue;
      }
      for (int r = 0; add && r < count; r++) memcpy(edge + r * COLUMNS, to + (long)r * ldc, (size_t)width * sizeof *to);
      machine->multiply(count, pairs, panel, b, add, edge, COLUMNS);
      for (int r = 0; r < count; r++) memcpy(to + (long)r * ldc, edge + r * COLUMNS, (size_t)width * sizeof *to);
    }
  }
}

size_t bf16_words(int columns, int depth) {
  size_t words = 0, width = (size_t)column_panels(columns) * COLUMNS;
  for (int k = 0; k < depth; k += DEPTH) words += width * (size_t)pairs_of(smaller(DEPTH, depth - k));
  return words;
}

void bf16_pack(bool transpose, int columns, int depth, const float *b, int ldb, uint32_t *packed) {
  for (int k = 0; k < depth; k += DEPTH) {
    int part = smaller(DEPTH, depth - k);
    for (int i = 0; i < column_parts(transpose, columns, part); i++)
      columns_fill(transpose, i, columns, part, transpose ? b + k : b + (long)k * ldb, ldb, packed);
    packed += bf16_words(columns, part);
  }
}

void bf16_product(int rows, int columns, int depth, const float *a, int lda, const uint32_t *b, float *c, int ldc) {
  for (int k = 0; k < depth; k += DEPTH) {
    int part = smaller(DEPTH, depth - k);
    for (int i = 0, band = band_rows(part); i < rows; i += band)
      band_product(false, smaller(band, rows - i), columns, part, a + (long)i * lda + k, lda, b, k > 0,
                   c + (long)i * ldc, ldc);
    b += bf16_words(columns, part);
  }
}

/* All threads lay out a block of B, then each takes bands of C: where these are few for the threads, parts of bands. */
static void block_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
                       int ldb, bool add, float *c, int ldc, uint32_t *right) {
  int band = band_rows(k), bands = (m + band - 1) / band, panels = column_panels(n), threads = omp_get_max_threads();
  int parts = threads == 1 ? 1 : smaller(panels, (4 * threads + bands - 1) / bands);
  int wide = (panels + parts - 1) / parts * COLUMNS;
#pragma omp parallel
  {
#pragma omp for
    for (int i = 0; i < column_parts(transpose_b, n, k); i++) columns_fill(transpose_b, i, n, k, b, ldb, right);
#pragma omp for collapse(2) schedule(dynamic)
    for (int i = 0; i < m; i += band)
      for (int j = 0; j < n; j += wide)
        band_product(transpose_a, smaller(band, m - i), smaller(wide, n - j), k,
                     transpose_a ? a + i : a + (long)i * lda, lda, right + (long)j * pairs_of(k), add,
                     c + (long)i * ldc + j, ldc);
  }
}

void bf16_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, int lda, const float *b,
               int ldb, bool add, float *c, int ldc) {
  static _Alignas(64) uint32_t shared[WIDTH * (DEPTH / 2)];
  _Alignas(64) uint32_t own[WIDTH_INSIDE * (DEPTH / 2)];
  int width = omp_in_parallel() ? WIDTH_INSIDE : WIDTH;
  CHECK(k > 0);
  for (int l = 0; l < k; l += DEPTH)
    for (int j = 0; j < n; j += width)
      block_gemm(transpose_a, transpose_b, m, smaller(width, n - j), smaller(DEPTH, k - l),
                 transpose_a ? a + (long)l * lda : a + l, lda,
                 transpose_b ? b + (long)j * ldb + l : b + (long)l * ldb + j, ldb, add || l, c + j, ldc,
                 width == WIDTH ? shared : own);
}
