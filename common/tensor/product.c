/* Either operand is cut into panels of some of its vectors: packed[panel][word of depth][vector]. The kernel keeps rows x
 * columns sums in registers and adds the products of one word to each at a time. After Goto and van de Geijn, "Anatomy
 * of High-Performance Matrix Multiplication" (2008). */
#include "common/tensor/product.h"

#include <omp.h>
#include <string.h>

#include "common/base/status.h"

enum {
  TILE = PRODUCT_TILE,
  PAIR = 2, /* elements of a word at most */
  ROWS = 16,
  COLUMNS = 32,            /* of a kernel at most */
  WORDS = 1024,            /* of its depth */
  PANELS = 12,             /* of A that a thread lays out at a time, fewer where they are deep */
  LEFT = 6 * WORDS * ROWS, /* words of them */
  WIDTH = 4096,            /* columns of B laid out at a time in product; inside a parallel region */
  WIDTH_INSIDE = 128,      /* so many, on the thread's stack */
};

static int smaller(int a, int b) { return a < b ? a : b; }

static int parts(int size, int part) { return (size + part - 1) / part; }

static int words_of(const ProductKernel *kernel, int depth) { return parts(depth, kernel->elements); }

/* Elements along the depth of a tile, and tiles of them. */
static int tile_depth(const ProductKernel *kernel) { return TILE * kernel->elements; }
static int chunks_of(const ProductKernel *kernel, int depth) { return parts(depth, tile_depth(kernel)); }

/* The depth in equal blocks of whole tiles. */
static int block_depth(const ProductKernel *kernel, int depth) {
  int tile = tile_depth(kernel);
  return parts(parts(depth, parts(depth, kernel->depth)), tile) * tile;
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

/* A tile of `size` vectors, of which so many, and so many elements, are there; `along`: the elements of a vector lie side
 * by side. */
static void tile_fill(const ProductKernel *kernel, bool along, int size, int vectors, int depth, const float *x,
                      int ldx, Word *to, int stride) {
  void (*fill)(int, const float *, int, Word *, int) = along ? kernel->turn : kernel->join;
  int deep = tile_depth(kernel);
  if (vectors >= size && depth >= deep) {
    fill(size, x, ldx, to, stride);
    return;
  }
  vectors = smaller(vectors, size), depth = smaller(depth, deep);
  float edge[PAIR * TILE * TILE] = {0};
  Word tile[TILE * TILE];
  int rows = along ? vectors : depth, columns = along ? depth : vectors, width = along ? deep : size;
  for (int i = 0; i < rows; i++) memcpy(edge + i * width, x + (long)i * ldx, (size_t)columns * sizeof *x);
  fill(size, edge, width, tile, size);
  for (int w = 0; w < words_of(kernel, depth); w++) memcpy(to + w * stride, tile + w * size, (size_t)size * sizeof *to);
}

/* Of columns, tiles are taken in the order in which B lies: a part is a tile's chunks, or a chunk's tiles. */
static int column_tile(const ProductKernel *kernel) { return smaller(TILE, kernel->columns); }

static int column_parts(const ProductKernel *kernel, bool transpose, int columns, int depth) {
  int tiles = parts(columns, kernel->columns) * (kernel->columns / column_tile(kernel));
  return transpose ? tiles : chunks_of(kernel, depth);
}

static void columns_fill(const ProductKernel *kernel, bool transpose, int part, int columns, int depth, const float *b,
                         int ldb, Word *packed) {
  int size = column_tile(kernel), abreast = kernel->columns / size, words = words_of(kernel, depth);
  for (int i = 0; i < column_parts(kernel, !transpose, columns, depth); i++) {
    int tile = transpose ? part : i, chunk = transpose ? i : part, j = tile * size, k = chunk * tile_depth(kernel);
    Word *panel = packed + (long)(tile / abreast) * kernel->columns * words + tile % abreast * size;
    tile_fill(kernel, transpose, size, columns - j > 0 ? columns - j : 0, depth - k,
              transpose ? b + (long)j * ldb + k : b + (long)k * ldb + j, ldb,
              panel + (long)chunk * TILE * kernel->columns, kernel->columns);
  }
}

/* Panel i from row first[i] on. */
static void rows_fill(const ProductKernel *kernel, bool transpose, int panels, const int *first, int depth,
                      const float *a, int lda, Word *packed) {
  int chunks = chunks_of(kernel, depth);
  for (int outer = 0; outer < (transpose ? chunks : panels); outer++) {
    for (int inner = 0; inner < (transpose ? panels : chunks); inner++) {
      int i = transpose ? inner : outer, chunk = transpose ? outer : inner, k = chunk * tile_depth(kernel);
      tile_fill(kernel, !transpose, kernel->room, first[panels] - first[i], depth - k,
                transpose ? a + (long)k * lda + first[i] : a + (long)first[i] * lda + k, lda,
                packed + ((long)i * words_of(kernel, depth) + chunk * TILE) * kernel->room, kernel->room);
    }
  }
}

/* --- products ----------------------------------------------------------------------------------------------------- */

/* Rows of C that a thread makes at a time. */
static int band_rows(const ProductKernel *kernel, int depth) {
  return smaller(PANELS, LEFT / (words_of(kernel, depth) * kernel->room)) * kernel->rows;
}

/* At most band_rows(depth) rows of C, columns of some panels of B. */
static void band_product(const ProductKernel *kernel, bool transpose_a, int rows, int columns, int depth,
                         const float *a, int lda, const Word *b, bool add, float *c, int ldc) {
  _Alignas(64) Word left[LEFT];
  int blocks = parts(rows, kernel->rows), words = words_of(kernel, depth), wide = kernel->columns;
  int first[PANELS + 1] = {0};
  for (int i = 0; i <= blocks; i++) first[i] = rows * i / blocks; /* spread evenly */
  rows_fill(kernel, transpose_a, blocks, first, depth, a, lda, left);
  for (int j = 0; j < columns; j += wide, b += (long)words * wide) {
    size_t bytes = (size_t)smaller(wide, columns - j) * sizeof *c;
    for (int i = 0; i < blocks; i++) {
      const Word *panel = left + (long)i * words * kernel->room;
      float *to = c + (long)first[i] * ldc + j, edge[ROWS * COLUMNS];
      int count = first[i + 1] - first[i];
      if (columns - j >= wide) {
        kernel->multiply(count, words, panel, b, add, to, ldc);
        continue;
      }
      for (int r = 0; add && r < count; r++) memcpy(edge + r * wide, to + (long)r * ldc, bytes);
      kernel->multiply(count, words, panel, b, add, edge, wide);
      for (int r = 0; r < count; r++) memcpy(to + (long)r * ldc, edge + r * wide, bytes);
    }
  }
}

/* Of so many columns of B in one block of the depth. */
static size_t block_words(const ProductKernel *kernel, int columns, int depth) {
  return (size_t)parts(columns, kernel->columns) * (size_t)kernel->columns * (size_t)words_of(kernel, depth);
}

size_t product_words(const ProductKernel *kernel, int columns, int depth) {
  size_t words = 0;
  for (int k = 0, block = block_depth(kernel, depth); k < depth; k += block)
    words += block_words(kernel, columns, smaller(block, depth - k));
  return words;
}

void product_pack(const ProductKernel *kernel, bool transpose, int columns, int depth, const float *b, int ldb,
                  Word *packed) {
  for (int k = 0, block = block_depth(kernel, depth); k < depth; k += block) {
    int part = smaller(block, depth - k);
    for (int i = 0; i < column_parts(kernel, transpose, columns, part); i++)
      columns_fill(kernel, transpose, i, columns, part, transpose ? b + k : b + (long)k * ldb, ldb, packed);
    packed += block_words(kernel, columns, part);
  }
}

void product_packed(const ProductKernel *kernel, int rows, int columns, int depth, const float *a, int lda,
                    const Word *b, float *c, int ldc) {
  for (int k = 0, block = block_depth(kernel, depth); k < depth; k += block) {
    int part = smaller(block, depth - k), band = band_rows(kernel, part);
    for (int i = 0; i < rows; i += band)
      band_product(kernel, false, smaller(band, rows - i), columns, part, a + (long)i * lda + k, lda, b, k > 0,
                   c + (long)i * ldc, ldc);
    b += block_words(kernel, columns, part);
  }
}

/* All threads lay out a block of B, then each takes bands of C: where these are few for the threads, parts of bands. */
static void block_product(const ProductKernel *kernel, bool transpose_a, bool transpose_b, int m, int n, int k,
                          const float *a, int lda, const float *b, int ldb, bool add, float *c, int ldc, Word *right) {
  int band = band_rows(kernel, k), bands = parts(m, band), panels = parts(n, kernel->columns);
  int threads = omp_get_max_threads(), abreast = threads == 1 ? 1 : smaller(panels, parts(4 * threads, bands));
  int wide = parts(panels, abreast) * kernel->columns;
#pragma omp parallel
  {
#pragma omp for
    for (int i = 0; i < column_parts(kernel, transpose_b, n, k); i++)
      columns_fill(kernel, transpose_b, i, n, k, b, ldb, right);
#pragma omp for collapse(2) schedule(dynamic)
    for (int i = 0; i < m; i += band)
      for (int j = 0; j < n; j += wide)
        band_product(kernel, transpose_a, smaller(band, m - i), smaller(wide, n - j), k,
                     transpose_a ? a + i : a + (long)i * lda, lda, right + (long)j * words_of(kernel, k), add,
                     c + (long)i * ldc + j, ldc);
  }
}

void product(const ProductKernel *kernel, bool transpose_a, bool transpose_b, int m, int n, int k, const float *a,
             int lda, const float *b, int ldb, bool add, float *c, int ldc) {
  static _Alignas(64) Word shared[WIDTH * WORDS];
  _Alignas(64) Word own[WIDTH_INSIDE * WORDS];
  int width = omp_in_parallel() ? WIDTH_INSIDE : WIDTH, block = block_depth(kernel, k);
  CHECK(k > 0);
  for (int l = 0; l < k; l += block)
    for (int j = 0; j < n; j += width)
      block_product(kernel, transpose_a, transpose_b, m, smaller(width, n - j), smaller(block, k - l),
                    transpose_a ? a + (long)l * lda : a + l, lda,
                    transpose_b ? b + (long)j * ldb + l : b + (long)l * ldb + j, ldb, add || l, c + j, ldc,
                    width == WIDTH ? shared : own);
}
