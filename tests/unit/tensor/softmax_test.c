/* Softmax of scores and of the vocabulary, attention: against plain double-precision code and its central
 * differences. */
#include "common/tensor/softmax.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/tensor/attention.h"
#include "common/tensor/gemm.h"

static void fill(float *x, int n, int stream, float size) {
  for (int i = 0; i < n; i++) {
    RngKey key = {.stage = RNG_TEST, .iteration = (uint32_t)stream, .image = (uint32_t)i};
    x[i] = size * rng_normal(&key);
  }
}

static void softmax_of_extremes(void **state) {
  (void)state;
  float x[5] = {1e30f, -1e30f, -INFINITY, 1e30f, 0};
  softmax_row(5, 1, x);
  assert_true(x[0] == 0.5f && x[1] == 0 && x[2] == 0 && x[3] == 0.5f && x[4] == 0);
  float one = 3;
  softmax_row(1, 0.3f, &one);
  assert_true(one == 1);
  float hidden[20];
  for (int i = 0; i < 20; i++) hidden[i] = 0.1f * (float)i;
  hidden[17] = NAN;
  softmax_row(20, 1, hidden);
  assert_true(isnan(hidden[0]));
}

/* --- vocabulary -------------------------------------------------------------------------------------------------- */

enum { ROWS = 5, V = 2571 };

static void vocabulary_double(const double *logits, const float *bias, double scale, int target, double out[3]) {
  static double z[V];
  double max = -1e300, total = 0, entropy = 0, mean = 0;
  for (int v = 0; v < V; v++) z[v] = (logits[v] + (double)bias[v]) * scale, max = fmax(max, z[v]);
  for (int v = 0; v < V; v++) total += exp(z[v] - max);
  double log_sum = max + log(total);
  for (int v = 0; v < V; v++) {
    double log_p = z[v] - log_sum;
    if (isfinite(log_p)) entropy -= exp(log_p) * log_p;
    mean += log_p / V;
  }
  out[0] = z[target] - log_sum, out[1] = entropy, out[2] = mean;
}

static void vocabulary_both_ways(void **state) {
  (void)state;
  static float logits[ROWS * V], bias[V], z[ROWS * V];
  static double wide[ROWS * V];
  float log_sum[ROWS], entropy[ROWS], mean[ROWS], k[3][ROWS];
  const int32_t target[ROWS] = {0, 1, 1000, V - 1, 77};
  const float temperature = 1.3f;
  fill(bias, V, 2, 1), fill(k[0], ROWS, 3, 1), fill(k[1], ROWS, 4, 1), fill(k[2], ROWS, 5, 1);
  for (int r = 0; r < ROWS; r++) fill(logits + r * V, V, 10 + r, r < 3 ? 2.0f : 30.0f); /* flat and peaked */
  memcpy(z, logits, sizeof z);
  for (int i = 0; i < ROWS * V; i++) wide[i] = (double)logits[i];
  logits_forward(ROWS, V, z, bias, 1 / temperature, log_sum, entropy, mean);
  for (int r = 0; r < ROWS; r++) {
    double want[3];
    vocabulary_double(wide + r * V, bias, (double)(1 / temperature), target[r], want);
    double logp = (double)(z[r * V + target[r]] - log_sum[r]);
    assert_true(fabs(logp - want[0]) <= 2e-6 * (1 + fabs(want[0])));
    assert_true(fabs((double)entropy[r] - want[1]) <= 2e-6 * (1 + fabs(want[1])));
    assert_true(fabs((double)(mean[r] - log_sum[r]) - want[2]) <= 2e-6 * (1 + fabs(want[2])));
  }
  logits_backward(ROWS, V, z, 1 / temperature, log_sum, entropy, k[0], k[1], k[2]);
  for (int r = 0; r < ROWS; r++) z[r * V + target[r]] += k[0][r] / temperature;
  for (int r = 0; r < ROWS; r++) {
    double gradient = 0;
    for (int v = 0; v < V; v++) gradient += (double)z[r * V + v];
    assert_true(fabs(gradient) <= 1e-5); /* a shift of all logits changes nothing */
    for (int v = 0; v < V; v += v == target[r] ? 1 : 113) {
      if (v < target[r] && v + 113 > target[r]) v = target[r];
      double high[3], low[3], step = 1e-4, *at = &wide[r * V + v], kept = *at;
      *at = kept + step, vocabulary_double(wide + r * V, bias, (double)(1 / temperature), target[r], high);
      *at = kept - step, vocabulary_double(wide + r * V, bias, (double)(1 / temperature), target[r], low);
      *at = kept;
      double want = 0;
      for (int p = 0; p < 3; p++) want += (double)k[p][r] * (high[p] - low[p]) / (2 * step);
      assert_true(fabs((double)z[r * V + v] - want) <= 2e-6);
    }
  }
}

static void vocabulary_of_extremes(void **state) {
  (void)state;
  float z[40], log_sum, entropy, mean;
  for (int v = 0; v < 40; v++) z[v] = v == 3 ? 50.0f : -1e4f;
  logits_forward(1, 40, z, NULL, 1, &log_sum, &entropy, &mean);
  assert_true(z[3] - log_sum == 0 && entropy == 0 && isfinite(mean));
  for (int v = 0; v < 40; v++) z[v] = v == 3 ? -INFINITY : 0.0f;
  logits_forward(1, 40, z, NULL, 1, &log_sum, &entropy, &mean);
  assert_true(z[3] - log_sum == -INFINITY && fabsf(entropy - logf(39)) <= 1e-5f);
  for (int v = 0; v < 40; v++) z[v] = v == 37 ? NAN : 0.0f;
  logits_forward(1, 40, z, NULL, 1, &log_sum, &entropy, &mean);
  assert_true(isnan(log_sum) && isnan(entropy) && isnan(mean));
}

/* --- attention --------------------------------------------------------------------------------------------------- */

enum { HEADS = 3, WIDTH = 20, D = HEADS * WIDTH, QUERIES = 31, KEYS = 40, LD = 3 * D };

static const int32_t CAPTIONS[] = {0, 1, 9, 9, 31}, IMAGES[] = {0, 9, 9, 31}, CELLS[] = {0, 13, 26, 40};

/* Sum of k * attention in double. */
static double attention_double(const AttentionBlocks *a, const double *q, const double *key, const double *v,
                               const float *k, double *out) {
  double loss = 0;
  for (int b = 0; b < a->blocks; b++) {
    for (int i = a->query_start[b]; i < a->query_start[b + 1]; i++) {
      int first = a->key_start[b], end = a->causal ? i + 1 : a->key_start[b + 1];
      for (int h = 0; h < HEADS; h++) {
        double p[KEYS], total = 0;
        for (int j = first; j < end; j++) {
          double dot = 0;
          for (int c = h * WIDTH; c < (h + 1) * WIDTH; c++) dot += q[i * LD + c] * key[j * LD + c];
          total += p[j] = exp(dot / sqrt(WIDTH));
        }
        for (int c = h * WIDTH; c < (h + 1) * WIDTH; c++) {
          double value = 0;
          for (int j = first; j < end; j++) value += p[j] / total * v[j * LD + c];
          out[i * D + c] = value;
          loss += value * (double)k[i * D + c];
        }
      }
    }
  }
  return loss;
}

static void attention_check(const AttentionBlocks *a, int keys) {
  static float x[3][KEYS * LD], d[3][KEYS * LD], out[QUERIES * D], k[QUERIES * D];
  static double wide[3][KEYS * LD], want[QUERIES * D];
  size_t probs = attention_probs(QUERIES, HEADS, a->max_keys);
  float *p = calloc(probs, sizeof *p), *scratch = calloc(probs, sizeof *scratch);
  fill(k, QUERIES * D, 9, 1);
  memset(d, 0x7f, sizeof d); /* must be written over */
  for (int part = 0; part < 3; part++) {
    fill(x[part], KEYS * LD, 20 + part, 1);
    for (int i = 0; i < KEYS * LD; i++) wide[part][i] = (double)x[part][i];
  }
  attention_double(a, wide[0], wide[1], wide[2], k, want);
  attention_forward(a, x[0], LD, x[1], LD, x[2], LD, out, D, p);
  for (int i = 0; i < QUERIES * D; i++) assert_true(fabs((double)out[i] - want[i]) <= 2e-6);
  attention_backward(a, x[0], LD, x[1], LD, x[2], LD, p, k, D, d[0], d[1], d[2], scratch);
  for (int part = 0; part < 3; part++) {
    for (int row = 0; row < (part ? keys : QUERIES); row++) {
      for (int c = row % 7; c < D; c += 7) {
        double *at = &wide[part][row * LD + c], kept = *at, step = 1e-4, out2[QUERIES * D];
        *at = kept + step;
        double high = attention_double(a, wide[0], wide[1], wide[2], k, out2);
        *at = kept - step;
        double low = attention_double(a, wide[0], wide[1], wide[2], k, out2);
        *at = kept;
        assert_true(fabs((double)d[part][row * LD + c] - (high - low) / (2 * step)) <= 1e-5);
      }
    }
  }
  if (a->causal) { /* a decoding step over cached keys is the last row of a block */
    float row[D], scores[KEYS];
    for (int b = 0; b < a->blocks; b++) {
      int begin = a->query_start[b], end = a->query_start[b + 1];
      if (begin == end) continue;
      attention_row(HEADS, WIDTH, end - begin, x[0] + (end - 1) * LD, x[1] + begin * LD, LD, x[2] + begin * LD, LD, row,
                    scores);
      for (int c = 0; c < D; c++) assert_true(fabsf(row[c] - out[(end - 1) * D + c]) <= 2e-6f);
    }
  }
  free(p), free(scratch);
}

static void attention_both_ways(void **state) {
  (void)state;
  gemm_init();
  AttentionBlocks self = {.blocks = 4,
                          .heads = HEADS,
                          .width = WIDTH,
                          .causal = 1,
                          .max_keys = 22,
                          .query_start = CAPTIONS,
                          .key_start = CAPTIONS};
  attention_check(&self, QUERIES);
  self.causal = 0;
  attention_check(&self, QUERIES);
  AttentionBlocks cross = {
      .blocks = 3, .heads = HEADS, .width = WIDTH, .max_keys = 14, .query_start = IMAGES, .key_start = CELLS};
  attention_check(&cross, KEYS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(softmax_of_extremes),
      cmocka_unit_test(vocabulary_both_ways),
      cmocka_unit_test(vocabulary_of_extremes),
      cmocka_unit_test(attention_both_ways),
  };
  return cmocka_run_group_tests_name("softmax", tests, NULL, NULL);
}
