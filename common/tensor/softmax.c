/* Softmax rows, forward and backward. */
#include "common/tensor/softmax.h"

#include <math.h>
#include <stddef.h>

#include "common/tensor/vecmath.h"

enum { LANES = 16 };

/* Ignores NaN, which the sum of exponentials then shows. */
static float row_max(int n, const float *x) {
  float lane[LANES], max = x[0];
  int i = 0;
  for (int l = 0; l < LANES; l++) lane[l] = max;
  for (; i + LANES <= n; i += LANES) {
    for (int l = 0; l < LANES; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  }
  for (; i < n; i++) max = x[i] > max ? x[i] : max;
  for (int l = 0; l < LANES; l++) max = lane[l] > max ? lane[l] : max;
  return max;
}

void softmax_row(int n, float scale, float *x) {
  float max = row_max(n, x) * scale, total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int i = 0; i < n; i++) {
    x[i] = vec_exp(MULADD(x[i], scale, -max));
    total += x[i];
  }
  float share = 1.0f / total;
#pragma omp simd
  for (int i = 0; i < n; i++) x[i] *= share;
}

enum { CHUNK = 1024 }; /* columns summed in float before a double takes over */

float logits_row(int columns, float *z, const float *bias, float scale, float *entropy, float *mean_z) {
  double sum_z = 0.0, total = 0.0, weighted = 0.0;
  for (int begin = 0; begin < columns; begin += CHUNK) {
    int n = columns - begin < CHUNK ? columns - begin : CHUNK;
    float *row = z + begin, part = 0.0f;
    if (bias) {
      const float *shift = bias + begin;
#pragma omp simd reduction(+ : part)
      for (int c = 0; c < n; c++) part += row[c] = (row[c] + shift[c]) * scale;
    } else {
#pragma omp simd reduction(+ : part)
      for (int c = 0; c < n; c++) part += row[c] *= scale;
    }
    sum_z += (double)part;
  }
  float max = row_max(columns, z);
  for (int begin = 0; begin < columns; begin += CHUNK) {
    int n = columns - begin < CHUNK ? columns - begin : CHUNK;
    const float *row = z + begin;
    float part = 0.0f, part_weighted = 0.0f;
#pragma omp simd reduction(+ : part, part_weighted)
    for (int c = 0; c < n; c++) {
      float distance = row[c] - max, e = vec_exp(distance);
      part += e;
      part_weighted += e * (distance < -105.0f ? -105.0f : distance); /* 0 x -infinity is 0 here */
    }
    total += (double)part;
    weighted += (double)part_weighted;
  }
  float log_total = (float)log(total);
  if (entropy) *entropy = (float)(log(total) - weighted / total);
  if (mean_z) *mean_z = (float)(sum_z / columns);
  return max + log_total;
}

void logits_forward(int rows, int vocabulary, float *logits, const float *bias, float scale, float *log_sum,
                    float *entropy, float *mean_z) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++)
    log_sum[r] = logits_row(vocabulary, logits + (size_t)r * (size_t)vocabulary, bias, scale, &entropy[r], &mean_z[r]);
}

void logits_backward(int rows, int vocabulary, float *z, float scale, const float *log_sum, const float *entropy,
                     const float *d_logp, const float *d_entropy, const float *d_mean) {
#pragma omp parallel for
  for (int r = 0; r < rows; r++) {
    float *row = z + (size_t)r * vocabulary, sum = log_sum[r];
    float by_mean = d_mean[r] * scale, by_entropy = d_entropy[r] * scale;
    float even = by_mean / (float)vocabulary, by_p = -(d_logp[r] * scale + by_mean);
    if (by_entropy == 0.0f) {
#pragma omp simd
      for (int c = 0; c < vocabulary; c++) row[c] = MULADD(by_p, vec_exp(row[c] - sum), even);
    } else {
      float shift = by_p - by_entropy * entropy[r];
#pragma omp simd
      for (int c = 0; c < vocabulary; c++) {
        float log_p = row[c] - sum, p = vec_exp(log_p);
        log_p = log_p < -105.0f ? -105.0f : log_p;
        row[c] = MULADD(p, MULADD(-by_entropy, log_p, shift), even);
      }
    }
  }
}
