/* Bias, dropout, LayerNorm, activation and embedding passes. */
#include "common/tensor/kernels.h"

#include <math.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/tensor/vecmath.h"

enum {
  ROW_BLOCK = 64,     /* rows whose column sums one thread makes; the blocks' sums are added in order */
  COLUMN_BLOCK = 128, /* columns that one thread sums over all rows */
};
static const float NORM_EPSILON = 1e-5f;

void bias_add(int rows, int columns, float *y, const float *bias) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    float *row = y + (size_t)r * columns;
#pragma omp simd
    for (int c = 0; c < columns; c++) row[c] += bias[c];
  }
}

void column_sum(int rows, int columns, const float *y, float *sum) {
#pragma omp parallel for
  for (int begin = 0; begin < columns; begin += COLUMN_BLOCK) {
    int width = columns - begin < COLUMN_BLOCK ? columns - begin : COLUMN_BLOCK;
    float total[COLUMN_BLOCK] = {0};
    for (int r = 0; r < rows; r++) {
      const float *row = y + (size_t)r * columns + begin;
#pragma omp simd
      for (int c = 0; c < width; c++) total[c] += row[c];
    }
    for (int c = 0; c < width; c++) sum[begin + c] += total[c];
  }
}

/* --- column sums made inside a row pass ------------------------------------------------------------------------- */

static int row_blocks(int rows) { return (rows + ROW_BLOCK - 1) / ROW_BLOCK; }

/* into[c] += sum over blocks of partial[block * stride + c], blocks in order. */
static void partials_fold(int blocks, int columns, size_t stride, const float *partial, float *into) {
  float total[COLUMN_BLOCK];
  for (int begin = 0; begin < columns; begin += COLUMN_BLOCK) {
    int width = columns - begin < COLUMN_BLOCK ? columns - begin : COLUMN_BLOCK;
    memset(total, 0, sizeof total);
    for (int b = 0; b < blocks; b++) {
      const float *row = partial + (size_t)b * stride + begin;
#pragma omp simd
      for (int c = 0; c < width; c++) total[c] += row[c];
    }
    for (int c = 0; c < width; c++) into[begin + c] += total[c];
  }
}

/* --- dropout ---------------------------------------------------------------------------------------------------- */

enum { LANES = 16, LANE_ELEMENTS = 8 }; /* Philox counters drawn side by side; elements of a draw */

static uint32_t dropout_threshold(float rate) {
  CHECK(rate >= 0.0f && rate < 1.0f);
  uint32_t threshold = (uint32_t)lrintf(rate * 65536.0f);
  return threshold < 65535 ? threshold : 65535;
}

float dropout_scale(float rate) { return 65536.0f / (float)(65536 - dropout_threshold(rate)); }

/* Philox4x32-10 of LANES counters, word[0..3] of each, in place: rng.c's function, lane by lane. */
static void philox_lanes(uint32_t k0, uint32_t k1, uint32_t word[4][LANES]) {
  uint32_t *c0 = word[0], *c1 = word[1], *c2 = word[2], *c3 = word[3];
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
#pragma omp simd
    for (int i = 0; i < LANES; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = (uint32_t)p1, c3[i] = (uint32_t)p0, c0[i] = n0, c2[i] = n2;
    }
  }
}

/* Element c of a row takes half a word of draw c / 8, whose counter is rng_words' of {seed, RNG_DROPOUT, step, row,
 * site, c / 8}. Draw d of a group of LANES holds elements d * 8 .. d * 8 + 7: low halves of words 0..3, then high
 * halves. */
void dropout_mask(int first, int rows, int columns, float rate, uint64_t seed, uint32_t step, int site, uint8_t *mask) {
  uint32_t threshold = dropout_threshold(rate);
  CHECK(site >= 0 && site < 65536 && columns <= 65536 * LANE_ELEMENTS);
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    uint8_t *row = mask + (size_t)r * columns;
    for (int begin = 0; begin < columns; begin += LANES * LANE_ELEMENTS) {
      uint32_t word[4][LANES];
      uint8_t keep[LANES][LANE_ELEMENTS];
      for (uint32_t i = 0; i < LANES; i++) {
        word[0][i] = ((uint32_t)(begin / LANE_ELEMENTS) + i) | (uint32_t)site << 16;
        word[1][i] = (uint32_t)(first + r), word[2][i] = step, word[3][i] = RNG_DROPOUT;
      }
      philox_lanes((uint32_t)seed, (uint32_t)(seed >> 32), word);
      for (int w = 0; w < 4; w++) {
        for (int i = 0; i < LANES; i++) {
          keep[i][w] = (word[w][i] & 0xFFFFu) >= threshold;
          keep[i][w + 4] = (word[w][i] >> 16) >= threshold;
        }
      }
      int left = columns - begin;
      memcpy(row + begin, keep, left < (int)sizeof keep ? (size_t)left : sizeof keep);
    }
  }
}

void dropout_apply(int rows, int columns, const uint8_t *mask, float scale, float *x) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    float *row = x + (size_t)r * columns;
    const uint8_t *keep = mask + (size_t)r * columns;
#pragma omp simd
    for (int c = 0; c < columns; c++) row[c] *= scale * (float)keep[c];
  }
}

/* --- residual + LayerNorm --------------------------------------------------------------------------------------- */

/* y = x + drop(y + bias), any of the three left out; returns the sum of the row. */
static float residual_row(int n, const float *x, float *y, const float *bias, const uint8_t *keep, float scale) {
  float total = 0.0f;
  if (bias) {
#pragma omp simd
    for (int c = 0; c < n; c++) y[c] += bias[c];
  }
  if (keep) {
#pragma omp simd
    for (int c = 0; c < n; c++) y[c] *= scale * (float)keep[c];
  }
  if (x) {
#pragma omp simd
    for (int c = 0; c < n; c++) y[c] += x[c];
  }
#pragma omp simd reduction(+ : total)
  for (int c = 0; c < n; c++) total += y[c];
  return total;
}

void norm_forward(int rows, int columns, const float *x, float *y, const float *bias, const uint8_t *mask, float scale,
                  const float *gamma, const float *beta, float *out, float *mean, float *rstd) {
  float share = 1.0f / (float)columns;
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    size_t at = (size_t)r * columns;
    float *row = y + at, *to = out + at;
    float centre = residual_row(columns, x ? x + at : NULL, row, bias, mask ? mask + at : NULL, scale) * share;
    float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
    for (int c = 0; c < columns; c++) squares += (row[c] - centre) * (row[c] - centre);
    float inverse = 1.0f / sqrtf(squares * share + NORM_EPSILON);
#pragma omp simd
    for (int c = 0; c < columns; c++) to[c] = MULADD((row[c] - centre) * inverse, gamma[c], beta[c]);
    if (mean) mean[r] = centre, rstd[r] = inverse;
  }
}

size_t norm_scratch(int rows, int columns) { return (size_t)row_blocks(rows) * 3 * (size_t)columns; }

/* One row's d_sum, and its shares of d_gamma and d_beta added to the block's. */
static void norm_row_backward(int n, const float *d_out, const float *d_more, const float *sum, float mean, float rstd,
                              const float *gamma, float *d_sum, float *d_gamma, float *d_beta) {
  float mean_g = 0.0f, mean_gx = 0.0f;
#pragma omp simd reduction(+ : mean_g, mean_gx)
  for (int c = 0; c < n; c++) {
    float x = (sum[c] - mean) * rstd, g = d_out[c] * gamma[c];
    mean_g += g;
    mean_gx += g * x;
    d_gamma[c] += d_out[c] * x;
    d_beta[c] += d_out[c];
  }
  mean_g /= (float)n;
  mean_gx /= (float)n;
  if (d_more) {
#pragma omp simd
    for (int c = 0; c < n; c++) {
      float x = (sum[c] - mean) * rstd;
      d_sum[c] = d_more[c] + rstd * (d_out[c] * gamma[c] - mean_g - x * mean_gx);
    }
  } else {
#pragma omp simd
    for (int c = 0; c < n; c++) {
      float x = (sum[c] - mean) * rstd;
      d_sum[c] = rstd * (d_out[c] * gamma[c] - mean_g - x * mean_gx);
    }
  }
}

void norm_backward(int rows, int columns, const float *d_out, const float *d_more, const float *sum, const float *mean,
                   const float *rstd, const float *gamma, const uint8_t *mask, float scale, float *d_sum, float *d_y,
                   float *d_gamma, float *d_beta, float *d_bias, float *scratch) {
  int blocks = row_blocks(rows);
  size_t stride = 3 * (size_t)columns;
#pragma omp parallel for
  for (int b = 0; b < blocks; b++) {
    float *part_gamma = scratch + (size_t)b * stride, *part_beta = part_gamma + columns,
          *part_bias = part_beta + columns;
    memset(part_gamma, 0, stride * sizeof *scratch);
    int end = (b + 1) * ROW_BLOCK < rows ? (b + 1) * ROW_BLOCK : rows;
    for (int r = b * ROW_BLOCK; r < end; r++) {
      size_t at = (size_t)r * columns;
      const float *d_row = d_sum + at;
      norm_row_backward(columns, d_out + at, d_more ? d_more + at : NULL, sum + at, mean[r], rstd[r], gamma, d_sum + at,
                        part_gamma, part_beta);
      if (mask) {
        const uint8_t *keep = mask + at;
        float *to = d_y + at;
#pragma omp simd
        for (int c = 0; c < columns; c++) to[c] = d_row[c] * (scale * (float)keep[c]);
        d_row = to;
      }
      if (!d_bias) continue;
#pragma omp simd
      for (int c = 0; c < columns; c++) part_bias[c] += d_row[c];
    }
  }
  partials_fold(blocks, columns, stride, scratch, d_gamma);
  partials_fold(blocks, columns, stride, scratch + columns, d_beta);
  if (d_bias) partials_fold(blocks, columns, stride, scratch + 2 * columns, d_bias);
}

/* --- activation ------------------------------------------------------------------------------------------------- */

void activate_forward(int gelu, int rows, int columns, float *u, const float *bias, const uint8_t *mask, float scale,
                      float *h) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    float *in = u + (size_t)r * columns, *out = h + (size_t)r * columns;
    if (gelu) {
      if (bias) {
#pragma omp simd
        for (int c = 0; c < columns; c++) in[c] += bias[c];
      }
#pragma omp simd
      for (int c = 0; c < columns; c++) out[c] = vec_gelu(in[c]);
    } else {
#pragma omp simd
      for (int c = 0; c < columns; c++) {
        float x = in[c] + bias[c];
        out[c] = x < 0.0f ? 0.0f : x; /* keeps NaN */
      }
    }
    if (!mask) continue;
    const uint8_t *keep = mask + (size_t)r * columns;
#pragma omp simd
    for (int c = 0; c < columns; c++) out[c] *= scale * (float)keep[c];
  }
}

size_t activate_scratch(int rows, int columns) { return (size_t)row_blocks(rows) * (size_t)columns; }

static void activate_row_backward(int gelu, int n, const float *u, const float *h, const uint8_t *keep, float scale,
                                  float *d_h) {
  if (!gelu) { /* what was dropped has h = 0 as well */
    if (!keep) scale = 1.0f;
#pragma omp simd
    for (int c = 0; c < n; c++) d_h[c] *= h[c] > 0.0f ? scale : 0.0f;
    return;
  }
#pragma omp simd
  for (int c = 0; c < n; c++) d_h[c] *= vec_gelu_slope(u[c]);
  if (!keep) return;
#pragma omp simd
  for (int c = 0; c < n; c++) d_h[c] *= scale * (float)keep[c];
}

void activate_backward(int gelu, int rows, int columns, const float *u, const float *h, const uint8_t *mask,
                       float scale, float *d_h, float *d_bias, float *scratch) {
  int blocks = row_blocks(rows);
#pragma omp parallel for
  for (int b = 0; b < blocks; b++) {
    float *part = scratch + (size_t)b * columns;
    memset(part, 0, (size_t)columns * sizeof *part);
    int end = (b + 1) * ROW_BLOCK < rows ? (b + 1) * ROW_BLOCK : rows;
    for (int r = b * ROW_BLOCK; r < end; r++) {
      size_t at = (size_t)r * columns;
      float *row = d_h + at;
      activate_row_backward(gelu, columns, u + at, h + at, mask ? mask + at : NULL, scale, row);
#pragma omp simd
      for (int c = 0; c < columns; c++) part[c] += row[c];
    }
  }
  partials_fold(blocks, columns, (size_t)columns, scratch, d_bias);
}

/* --- embedding -------------------------------------------------------------------------------------------------- */

void embed_forward(int rows, int columns, const float *token, const int32_t *ids, const float *position,
                   const int32_t *at, float *y) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    const float *a = token + (size_t)ids[r] * columns, *b = position + (size_t)at[r] * columns;
    float *row = y + (size_t)r * columns;
#pragma omp simd
    for (int c = 0; c < columns; c++) row[c] = a[c] + b[c];
  }
}

void embed_backward(int rows, int columns, const float *d_y, const int32_t *ids, const int32_t *at, float *d_token,
                    float *d_position) {
#pragma omp parallel for
  for (int begin = 0; begin < columns; begin += COLUMN_BLOCK) {
    int width = columns - begin < COLUMN_BLOCK ? columns - begin : COLUMN_BLOCK;
    for (int r = 0; r < rows; r++) {
      const float *row = d_y + (size_t)r * columns + begin;
      float *a = d_token + (size_t)ids[r] * columns + begin, *b = d_position + (size_t)at[r] * columns + begin;
#pragma omp simd
      for (int c = 0; c < width; c++) a[c] += row[c];
#pragma omp simd
      for (int c = 0; c < width; c++) b[c] += row[c];
    }
  }
}
