/* Panels of 2 vectors of outputs: packed[block of inputs][panel][input][PANEL]. The kernel keeps ROWS x 2 vectors
 * of sums in registers. After Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008),
 * with the panel of W as the part that stays near. */
#include "common/model/packed.h"

#include <stdint.h>
#include <string.h>

#include "common/tensor/bf16.h"
#include "common/tensor/gemm.h"
#include "common/tensor/kernels.h"
#include "common/tensor/lanes.h"

#ifdef __AVX512F__
enum { ROWS = 14 };
#else
enum { ROWS = 6 };
#endif
enum {
  PANEL = 2 * LANES,
  DEPTH = 512,         /* inputs a block: its panel (64 KB) and a band of rows stay in the second cache */
  BAND = 12 * ROWS,    /* rows at a time */
  STRIDE = DEPTH + 16, /* rows of x are copied to this stride, so that they do not fall into the same cache sets */
};

static int smaller(int a, int b) { return a < b ? a : b; }

static int panels_of(int out) { return (out + PANEL - 1) / PANEL; }

static bool in_bf16(void) { return gemm_precision() == PRECISION_BF16; }

size_t packed_floats(int out, int in) {
  return in_bf16() ? bf16_words(out, in) : (size_t)panels_of(out) * PANEL * (size_t)in;
}

size_t packed_scratch(void) { return (size_t)BAND * STRIDE; }

void packed_fill(int out, int in, const float *weight, float *packed) {
  if (in_bf16()) {
    bf16_pack(true, out, in, weight, in, (uint32_t *)packed);
    return;
  }
  for (int begin = 0; begin < in; begin += DEPTH) {
    int depth = smaller(DEPTH, in - begin);
    for (int j = 0; j < out; j += PANEL, packed += (long)depth * PANEL) {
      int width = smaller(PANEL, out - j);
      if (width < PANEL) memset(packed, 0, (size_t)depth * PANEL * sizeof *packed);
      for (int k = 0; k < depth; k += 16) /* 16 inputs = a cache line of each row of W */
        for (int o = 0; o < width; o++)
          for (int i = k; i < smaller(k + 16, depth); i++)
            packed[(long)i * PANEL + o] = weight[(long)(j + o) * in + begin + i];
    }
  }
}

/* y [rows, PANEL] (+)= x panel. `start` [PANEL] begins the sums, or y itself when NULL. */
static inline __attribute__((always_inline)) void kernel(const int rows, int depth, const float *x, const float *panel,
                                                         const float *start, float *y, int ldy) {
  Lanes sum[ROWS][2];
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) sum[r][v] = lanes_load((start ? start : y + (long)r * ldy) + v * LANES);
  for (int k = 0; k < depth; k++) {
    Lanes w0 = lanes_load(panel + (long)k * PANEL), w1 = lanes_load(panel + (long)k * PANEL + LANES);
    for (int r = 0; r < rows; r++) {
      Lanes value = lanes_all(x[r * STRIDE + k]);
      sum[r][0] = lanes_fma(value, w0, sum[r][0]);
      sum[r][1] = lanes_fma(value, w1, sum[r][1]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int v = 0; v < 2; v++) lanes_store(y + (long)r * ldy + v * LANES, sum[r][v]);
}

static void kernel_rows(int rows, int depth, const float *x, const float *panel, const float *start, float *y,
                        int ldy) {
  switch (rows) {
#define CASE(n) \
  case n: kernel(n, depth, x, panel, start, y, ldy); break
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
#ifdef __AVX512F__
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

/* packed_linear of at most BAND rows. */
static void band_linear(int rows, int in, int out, const float *x, const float *packed, const float *bias, float *y,
                        float *scratch) {
  int blocks = (rows + ROWS - 1) / ROWS;
  for (int begin = 0; begin < in; begin += DEPTH) {
    int depth = smaller(DEPTH, in - begin);
    for (int r = 0; r < rows; r++)
      memcpy(scratch + (long)r * STRIDE, x + (long)r * in + begin, (size_t)depth * sizeof *x);
    for (int j = 0; j < out; j += PANEL, packed += (long)depth * PANEL) {
      int width = smaller(PANEL, out - j);
      float start[PANEL] = {0}, edge[ROWS * PANEL];
      if (bias && begin == 0) memcpy(start, bias + j, (size_t)width * sizeof *bias);
      for (int b = 0; b < blocks; b++) { /* rows spread evenly over the blocks */
        int first = (int)((long)rows * b / blocks), count = (int)((long)rows * (b + 1) / blocks) - first;
        float *to = y + (long)first * out + j;
        const float *from = scratch + (long)first * STRIDE, *initial = begin ? NULL : start;
        if (width == PANEL) {
          kernel_rows(count, depth, from, packed, initial, to, out);
          continue;
        }
        for (int r = 0; begin && r < count; r++)
          memcpy(edge + r * PANEL, to + (long)r * out, (size_t)width * sizeof *y);
        kernel_rows(count, depth, from, packed, initial, edge, PANEL);
        for (int r = 0; r < count; r++) memcpy(to + (long)r * out, edge + r * PANEL, (size_t)width * sizeof *y);
      }
    }
  }
}

void packed_linear(int rows, int in, int out, const float *x, const float *packed, const float *bias, float *y,
                   float *scratch) {
  if (in_bf16()) {
    bf16_product(rows, out, in, x, in, (const uint32_t *)packed, y, out);
    if (bias) bias_add(rows, out, y, bias);
    return;
  }
  for (int r = 0; r < rows; r += BAND)
    band_linear(smaller(BAND, rows - r), in, out, x + (long)r * in, packed, bias, y + (long)r * out, scratch);
}
