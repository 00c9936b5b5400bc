/* Every kernel against plain double-precision code: forward directly, backward by central differences of that code. */
#include "common/tensor/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"

enum { ROWS = 150, COLUMNS = 133, SIZE = ROWS * COLUMNS }; /* more than two row blocks, no multiple of a vector */

static void fill(float *x, int n, int stream) {
  for (int i = 0; i < n; i++) {
    RngKey key = {.stage = RNG_TEST, .iteration = (uint32_t)stream, .image = (uint32_t)i};
    x[i] = rng_normal(&key);
  }
}

static void near_to(const float *got, const double *want, int n, double tolerance) {
  for (int i = 0; i < n; i++)
    if (!(fabs((double)got[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
      fail_msg("[%d] = %.9g, wanted %.9g", i, (double)got[i], want[i]);
}

static void sums_and_biases(void **state) {
  (void)state;
  static float y[SIZE], bias[COLUMNS], sum[COLUMNS];
  static double want[SIZE], want_sum[COLUMNS];
  fill(y, SIZE, 1), fill(bias, COLUMNS, 2), fill(sum, COLUMNS, 3);
  for (int c = 0; c < COLUMNS; c++) want_sum[c] = (double)sum[c];
  for (int i = 0; i < SIZE; i++) {
    want[i] = (double)y[i] + (double)bias[i % COLUMNS];
    want_sum[i % COLUMNS] += want[i];
  }
  bias_add(ROWS, COLUMNS, y, bias);
  near_to(y, want, SIZE, 1e-6);
  column_sum(ROWS, COLUMNS, y, sum);
  near_to(sum, want_sum, COLUMNS, 1e-5);
}

static void dropout_equals_philox(void **state) {
  (void)state;
  static uint8_t mask[SIZE], again[SIZE];
  dropout_mask(0, ROWS, COLUMNS, 0.25f, 12345678901234567u, 7, 42, mask);
  int kept = 0;
  for (int r = 0; r < ROWS; r++) {
    for (int c = 0; c < COLUMNS; c++) {
      uint32_t words[4];
      RngKey key = {.seed = 12345678901234567u,
                    .stage = RNG_DROPOUT,
                    .iteration = 7,
                    .image = (uint32_t)r,
                    .sample = 42,
                    .position = (uint32_t)c / 8};
      rng_words(&key, words);
      uint32_t bits = c % 8 < 4 ? words[c % 8] & 0xFFFFu : words[c % 8 - 4] >> 16;
      assert_int_equal(mask[r * COLUMNS + c], bits >= 16384);
      kept += mask[r * COLUMNS + c];
    }
  }
  assert_true(fabs(kept / (double)SIZE - 0.75) <= 0.02); /* 6 standard deviations */
  assert_true(fabsf(dropout_scale(0.25f) - 4.0f / 3.0f) <= 1e-6f && dropout_scale(0) == 1.0f);
  dropout_mask(0, ROWS, COLUMNS, 0.25f, 12345678901234567u, 7, 42, again);
  assert_memory_equal(mask, again, sizeof mask);
  dropout_mask(3, ROWS - 3, COLUMNS, 0.25f, 12345678901234567u, 7, 42, again); /* a part goes on counting */
  assert_memory_equal(mask + 3 * COLUMNS, again, (ROWS - 3) * COLUMNS);
  dropout_mask(0, ROWS, COLUMNS, 0.0f, 1, 1, 1, mask);
  for (int i = 0; i < SIZE; i++) assert_int_equal(mask[i], 1);
  float x[4] = {1, 2, 3, 4};
  dropout_apply(2, 2, (const uint8_t[]){1, 0, 0, 1}, 2, x);
  assert_true(x[0] == 2 && x[1] == 0 && x[2] == 0 && x[3] == 8);
}

/* --- residual + LayerNorm: sum over elements of k * out, in double ------------------------------------------------ */

typedef struct NormCase {
  float x[SIZE], y[SIZE], bias[COLUMNS], gamma[COLUMNS], beta[COLUMNS], k[SIZE];
  uint8_t mask[SIZE];
  float scale;
} NormCase;

static double norm_row_loss(const NormCase *n, int r, double *out) {
  double s[COLUMNS], mean = 0, variance = 0, loss = 0;
  for (int c = 0; c < COLUMNS; c++) {
    int i = r * COLUMNS + c;
    s[c] = (double)n->x[i] + ((double)n->y[i] + (double)n->bias[c]) * (double)n->scale * n->mask[i];
    mean += s[c] / COLUMNS;
  }
  for (int c = 0; c < COLUMNS; c++) variance += (s[c] - mean) * (s[c] - mean) / COLUMNS;
  for (int c = 0; c < COLUMNS; c++) {
    double value = (s[c] - mean) / sqrt(variance + 1e-5) * (double)n->gamma[c] + (double)n->beta[c];
    if (out) out[r * COLUMNS + c] = value;
    loss += value * (double)n->k[r * COLUMNS + c];
  }
  return loss;
}

static double norm_loss(const NormCase *n, int row) { /* row < 0: all */
  double loss = 0;
  for (int r = 0; r < ROWS; r++)
    if (row < 0 || r == row) loss += norm_row_loss(n, r, NULL);
  return loss;
}

static double norm_slope(NormCase *n, float *at, int row) {
  float kept = *at, up = kept + 0.01f, down = kept - 0.01f;
  *at = up;
  double high = norm_loss(n, row);
  *at = down;
  double low = norm_loss(n, row);
  *at = kept;
  return (high - low) / ((double)up - (double)down);
}

static void norm_both_ways(void **state) {
  (void)state;
  NormCase *n = calloc(1, sizeof *n);
  static float sum[SIZE], out[SIZE], mean[ROWS], rstd[ROWS], d_sum[SIZE], d_y[SIZE], more[SIZE];
  static float d_gamma[COLUMNS], d_beta[COLUMNS], d_bias[COLUMNS];
  static double want[SIZE];
  float *scratch = malloc(norm_scratch(ROWS, COLUMNS) * sizeof *scratch);
  fill(n->x, SIZE, 1), fill(n->y, SIZE, 2), fill(n->bias, COLUMNS, 3), fill(n->gamma, COLUMNS, 4);
  fill(n->beta, COLUMNS, 5), fill(n->k, SIZE, 6), fill(more, SIZE, 7);
  dropout_mask(0, ROWS, COLUMNS, 0.2f, 1, 1, 1, n->mask);
  n->scale = dropout_scale(0.2f);
  for (int r = 0; r < ROWS; r++) norm_row_loss(n, r, want);
  memcpy(sum, n->y, sizeof sum);
  norm_forward(ROWS, COLUMNS, n->x, sum, n->bias, n->mask, n->scale, n->gamma, n->beta, out, mean, rstd);
  near_to(out, want, SIZE, 3e-6);
  norm_backward(ROWS, COLUMNS, n->k, NULL, sum, mean, rstd, n->gamma, n->mask, n->scale, d_sum, d_y, d_gamma, d_beta,
                d_bias, scratch);
  for (int i = 0; i < SIZE; i += 97) {
    double x = norm_slope(n, &n->x[i], i / COLUMNS), y = norm_slope(n, &n->y[i], i / COLUMNS);
    assert_true(fabs((double)d_sum[i] - x) <= 1e-4);
    assert_true(fabs((double)d_y[i] - y) <= 1e-4);
  }
  for (int c = 0; c < COLUMNS; c += 6) {
    double gamma = norm_slope(n, &n->gamma[c], -1), beta = norm_slope(n, &n->beta[c], -1);
    double bias = norm_slope(n, &n->bias[c], -1);
    assert_true(fabs((double)d_gamma[c] - gamma) <= 1e-4 * (1 + fabs(gamma)));
    assert_true(fabs((double)d_beta[c] - beta) <= 1e-4 * (1 + fabs(beta)));
    assert_true(fabs((double)d_bias[c] - bias) <= 1e-3 * (1 + fabs(bias)));
  }
  /* in place, with a second way to the sum, without dropout: the same plus `more`, and the sums are added to */
  static float in_place[SIZE], gamma_twice[COLUMNS];
  memcpy(in_place, more, sizeof more);
  memcpy(gamma_twice, d_gamma, sizeof d_gamma);
  norm_backward(ROWS, COLUMNS, n->k, in_place, sum, mean, rstd, n->gamma, NULL, 1, in_place, NULL, gamma_twice, d_beta,
                NULL, scratch);
  for (int i = 0; i < SIZE; i++) assert_true(fabsf(in_place[i] - (d_sum[i] + more[i])) <= 1e-5f);
  for (int c = 0; c < COLUMNS; c++)
    assert_true(fabsf(gamma_twice[c] - 2 * d_gamma[c]) <= 1e-5f * (1 + fabsf(d_gamma[c])));
  free(n), free(scratch);
}

/* --- activation -------------------------------------------------------------------------------------------------- */

static double activate(int gelu, double x) { return gelu ? x * 0.5 * erfc(-x / sqrt(2)) : x > 0 ? x : 0; }

static void activation_both_ways(void **state) {
  (void)state;
  static float u[SIZE], h[SIZE], bias[COLUMNS], d[SIZE], kept[SIZE], d_bias[COLUMNS];
  static uint8_t mask[SIZE];
  static double want[SIZE], want_bias[COLUMNS];
  float *scratch = malloc(activate_scratch(ROWS, COLUMNS) * sizeof *scratch), scale = dropout_scale(0.3f);
  dropout_mask(0, ROWS, COLUMNS, 0.3f, 1, 1, 1, mask);
  for (int variant = 0; variant < 4; variant++) {
    int gelu = variant & 1, drop = variant >> 1;
    fill(u, SIZE, 1), fill(bias, COLUMNS, 2), fill(d, SIZE, 3);
    memcpy(kept, u, sizeof u);
    memset(d_bias, 0, sizeof d_bias), memset(want_bias, 0, sizeof want_bias);
    for (int i = 0; i < SIZE; i++)
      want[i] = activate(gelu, (double)(u[i] + bias[i % COLUMNS])) * (drop ? (double)scale * mask[i] : 1);
    float *out = gelu ? h : u;
    activate_forward(gelu, ROWS, COLUMNS, u, bias, drop ? mask : NULL, scale, out);
    near_to(out, want, SIZE, 1e-6);
    for (int i = 0; i < SIZE; i++) {
      double x = (double)(kept[i] + bias[i % COLUMNS]), step = 1e-5;
      double slope = (activate(gelu, x + step) - activate(gelu, x - step)) / (2 * step);
      if (!gelu) slope = x > 0;
      want[i] = (double)d[i] * slope * (drop ? (double)scale * mask[i] : 1);
      want_bias[i % COLUMNS] += want[i];
    }
    activate_backward(gelu, ROWS, COLUMNS, u, out, drop ? mask : NULL, scale, d, d_bias, scratch);
    near_to(d, want, SIZE, 2e-6);
    near_to(d_bias, want_bias, COLUMNS, 2e-5);
  }
  free(scratch);
}

static void embedding_both_ways(void **state) {
  (void)state;
  enum { V = 9, P = 4 };
  static float token[V * COLUMNS], position[P * COLUMNS], y[SIZE], d_token[V * COLUMNS], d_position[P * COLUMNS];
  static double want[SIZE], want_token[V * COLUMNS], want_position[P * COLUMNS];
  int32_t ids[ROWS], at[ROWS];
  fill(token, V * COLUMNS, 1), fill(position, P * COLUMNS, 2);
  for (int r = 0; r < ROWS; r++) ids[r] = r * r % V, at[r] = r % P;
  for (int i = 0; i < SIZE; i++) {
    int c = i % COLUMNS, token_at = ids[i / COLUMNS] * COLUMNS + c, position_at = at[i / COLUMNS] * COLUMNS + c;
    want[i] = (double)token[token_at] + (double)position[position_at];
    want_token[token_at] += want[i], want_position[position_at] += want[i];
  }
  embed_forward(ROWS, COLUMNS, token, ids, position, at, y);
  near_to(y, want, SIZE, 1e-6);
  embed_backward(ROWS, COLUMNS, y, ids, at, d_token, d_position);
  near_to(d_token, want_token, V * COLUMNS, 1e-5);
  near_to(d_position, want_position, P * COLUMNS, 1e-5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_and_biases),      cmocka_unit_test(dropout_equals_philox), cmocka_unit_test(norm_both_ways),
      cmocka_unit_test(activation_both_ways), cmocka_unit_test(embedding_both_ways),
  };
  return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
