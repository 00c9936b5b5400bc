/* The draw against its definition: frequencies, truncation against a sorted list, ties, rows that are not numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/decode.h"
#include "common/model/draw.h"

enum { MOST = 3000 };

static float logits[MOST], *scratch;
static const Forbidden SPECIAL = {3, {TOKEN_PAD, TOKEN_START, TOKEN_UNKNOWN}};
static Forbidden forbidden = {3, {TOKEN_PAD, TOKEN_START, TOKEN_UNKNOWN}};

static void logits_fill(int n, float spread, uint32_t which) {
  assert_true(n <= MOST);
  for (int i = 0; i < n; i++)
    logits[i] = spread * rng_normal(&(RngKey){.stage = RNG_TEST, .iteration = which, .image = (uint32_t)i});
}

static bool allowed(int token) {
  for (int i = 0; i < forbidden.count; i++)
    if (forbidden.token[i] == token) return false;
  return true;
}

/* The allowed tokens, best first (ties: the lower id), and their probabilities at the temperature over those kept. */
static int reference(int n, double temperature, int top_k, double top_p, int *order, double *p, double *kept) {
  int count = 0;
  for (int i = 0; i < n; i++) {
    if (!allowed(i)) continue;
    int at = count++;
    for (; at > 0 && logits[i] > logits[order[at - 1]]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  double all = 0, sum = 0, mass = 0;
  for (int i = 0; i < n; i++) all += exp((double)(logits[i] - logits[order[0]]) / temperature);
  if (top_k && top_k < count) count = top_k;
  for (int i = 0; i < count; i++) sum += p[i] = exp((double)(logits[order[i]] - logits[order[0]]) / temperature);
  if (top_p < 1) {
    int i = 0;
    while (i < count && mass < top_p * sum) mass += p[i++];
    count = i;
    sum = mass;
  }
  for (int i = 0; i < count; i++) p[i] /= sum;
  *kept = sum / all;
  return count;
}

/* Pearson's chi-square of many draws with random u; bins of few expected draws are joined. */
static void check_frequencies(int n, float temperature, int top_k, float top_p) {
  enum { DRAWS = 40000 };
  static int order[MOST], seen[MOST];
  static double p[MOST];
  double kept, statistic = 0, expected = 0, pooled = 0, bins = -1;
  int count = reference(n, (double)temperature, top_k, (double)top_p, order, p, &kept);
  memset(seen, 0, sizeof seen);
  for (int i = 0; i < DRAWS; i++) {
    RngKey key = {.seed = 9, .stage = RNG_SAMPLE, .image = (uint32_t)i};
    Draw draw = draw_sample(logits, n, &forbidden, temperature, top_k, top_p, rng_uniform53(&key), scratch);
    assert_true(fabs(draw.kept - kept) <= 1e-5);
    seen[draw.token]++;
  }
  int drawn = 0;
  for (int i = 0; i < count; i++) {
    expected += p[i] * DRAWS;
    pooled += seen[order[i]];
    drawn += seen[order[i]];
    if (expected < 10 && i < count - 1) continue;
    statistic += (pooled - expected) * (pooled - expected) / fmax(expected, 1);
    bins++;
    expected = pooled = 0;
  }
  assert_int_equal(drawn, DRAWS); /* nothing outside the kept set */
  assert_true(statistic <= bins + 4 * sqrt(2 * bins) + 4);
}

static void test_frequencies(void **state) {
  (void)state;
  logits_fill(50, 1.5f, 1);
  check_frequencies(50, 1, 0, 1);
  check_frequencies(50, 0.7f, 0, 1);
  check_frequencies(50, 1, 5, 1);
  check_frequencies(50, 1, 0, 0.6f);
  check_frequencies(50, 1.3f, 20, 0.8f);
  logits_fill(500, 1, 2);
  check_frequencies(500, 1, 0, 1);
  logits_fill(50, 1.5f, 1);
  forbidden = (Forbidden){6, {TOKEN_PAD, TOKEN_START, TOKEN_END, 7, 20, 49}};
  check_frequencies(50, 1, 0, 1);
  check_frequencies(50, 0.7f, 12, 0.9f);
  forbidden = SPECIAL;
}

/* u = 0 gives the first kept token, u just below 1 the last; walking u visits exactly the kept set. */
static void test_kept_set(void **state) {
  (void)state;
  static int order[MOST];
  static double p[MOST];
  static const int sizes[] = {5, 6, 63, 64, 65, 130, 257};
  for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
    for (int round = 0; round < 12; round++) {
      forbidden = SPECIAL; /* now and then some more: ends and edges of blocks */
      if (round % 5 == 1) forbidden.token[forbidden.count++] = sizes[s] - 1;
      int n = sizes[s], top_k = round % 4 ? 1 + (round * 7) % n : 0;
      float top_p = round % 3 ? 0.1f * (float)(1 + round % 9) : 1;
      logits_fill(n, 2, (uint32_t)round);
      double kept;
      int count = reference(n, 1, top_k, (double)top_p, order, p, &kept);
      bool wanted[MOST] = {false}, seen[MOST] = {false};
      double least = 1;
      for (int i = 0; i < count; i++) wanted[order[i]] = true, least = fmin(least, p[i]);
      int steps = (int)(2 / least) + 2;
      if (steps > 20000) steps = 20000;
      for (int i = 0; i < steps; i++) {
        double u = i == steps - 1 ? 1 - 0x1p-53 : (double)i / steps;
        Draw draw = draw_sample(logits, n, &forbidden, 1, top_k, top_p, u, scratch);
        assert_true(draw.token >= 0 && draw.token < n && wanted[draw.token]);
        seen[draw.token] = true;
      }
      for (int i = 0; i < n && steps < 20000; i++) assert_int_equal(seen[i], wanted[i]);
    }
}

static void test_logp(void **state) {
  (void)state;
  int n = 2538;
  logits_fill(n, 3, 4);
  for (int i = 0; i < 50; i++) {
    float temperature = i % 2 ? 1 : 0.7f;
    Draw draw = draw_sample(logits, n, &forbidden, temperature, i % 3 ? 0 : 40, i % 5 ? 1 : 0.9f, i / 50.0, scratch);
    double sum = 0;
    for (int k = 0; k < n; k++) sum += exp((double)(logits[k] - logits[draw.token]) / (double)temperature);
    assert_true(fabs((double)draw.logp + log(sum)) <= 2e-6 * (1 + log(sum)));
  }
}

static void test_greedy(void **state) {
  (void)state;
  for (int round = 0; round < 200; round++) {
    int n = 5 + round * 3;
    forbidden = SPECIAL;
    for (int more = 0; more < round % 7 && n > 20; more++)
      forbidden.token[forbidden.count++] = 4 + (n - 6) * (more + 1) / 7;
    logits_fill(n, 2, (uint32_t)round);
    if (round % 3 == 0)
      for (int i = 0; i < n; i++) logits[i] = roundf(logits[i]); /* many ties */
    Draw greedy = draw_greedy(logits, n, &forbidden),
         first = draw_sample(logits, n, &forbidden, 1, 1, 1, 0.99, scratch);
    assert_int_equal(greedy.token, first.token);
    assert_true(fabsf(greedy.logp - first.logp) <= 1e-6f);
    for (int i = 0; i < n; i++)
      if (allowed(i))
        assert_true(logits[i] < logits[greedy.token] || (logits[i] == logits[greedy.token] && i >= greedy.token));
    int32_t tokens[9];
    float logp[9];
    int order[MOST], found = draw_best(logits, n, &forbidden, 9, tokens, logp);
    static double p[MOST];
    double kept;
    int count = reference(n, 1, 9, 1, order, p, &kept);
    assert_int_equal(found, count);
    for (int i = 0; i < found; i++) assert_int_equal(tokens[i], order[i]);
    assert_true(logp[0] == greedy.logp);
  }
}

/* Whatever the logits are, the token is an allowed one. */
static void test_bad_rows(void **state) {
  (void)state;
  forbidden = SPECIAL;
  enum { N = 70 };
  const float values[] = {NAN, INFINITY, -INFINITY, 0, 1e30f, -1e30f};
  for (unsigned a = 0; a < 6; a++)
    for (unsigned b = 0; b < 6; b++)
      for (int top = 0; top < 3; top++) {
        for (int i = 0; i < N; i++) logits[i] = values[i % 3 ? a : b];
        Draw draw = draw_sample(logits, N, &forbidden, 1, top == 1 ? 5 : 0, top == 2 ? 0.5f : 1, 0.7, scratch);
        assert_true(draw.token < N && allowed(draw.token));
        draw = draw_greedy(logits, N, &forbidden);
        assert_true(draw.token < N && allowed(draw.token));
      }
  for (int i = 0; i < N; i++) logits[i] = -200; /* the forbidden tokens hold all the mass that float32 can show */
  logits[TOKEN_PAD] = 0;
  logits[9] = -150;
  Draw draw = draw_sample(logits, N, &forbidden, 1, 0, 1, 0.5, scratch);
  assert_int_equal(draw.token, 9);
  assert_true(fabsf(draw.logp + 150) <= 1e-3f);
  draw = draw_sample(logits, N, &forbidden, 1, 5, 0.5f, 0.5, scratch);
  assert_int_equal(draw.token, 9);
  assert_true(draw.kept == 0);
}

int main(void) {
  scratch = xmalloc(draw_scratch(MOST) * sizeof *scratch);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_frequencies), cmocka_unit_test(test_kept_set),
                                     cmocka_unit_test(test_logp), cmocka_unit_test(test_greedy),
                                     cmocka_unit_test(test_bad_rows)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(scratch);
  return failed;
}
