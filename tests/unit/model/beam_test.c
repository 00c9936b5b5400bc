/* Beam search against greedy decoding and against every caption of a tiny vocabulary. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/model/decode.h"
#include "common/tensor/gemm.h"
#include "tests/unit/model/naive.h"

enum { IMAGES = 4, LENGTH = 3, MANY = 40 };

static const ModelShape TINY = {.vocabulary = 7,
                                .width = 16,
                                .heads = 2,
                                .feed_forward = 24,
                                .decoder_layers = 2,
                                .cells = 5,
                                .features = 6,
                                .positions = 12,
                                .norm = NORM_PRE};

/* The best caption by depth-first walk over all of them: finished ones by sum / length^penalty. */
typedef struct Walk {
  Naive naive;
  double penalty, best;
  int32_t tokens[LENGTH], best_tokens[LENGTH];
  int best_length;
} Walk;

static void walk(Walk *w, int t, double sum) {
  int v = w->naive.table->shape.vocabulary;
  double *logits = naive_logits(&w->naive, w->tokens, t + 1);
  for (int token = 0; token < v; token++) {
    if (token != TOKEN_END && token < TOKENS_SPECIAL) continue;
    double total = sum + naive_logp(logits + t * v, v, 1, token);
    w->tokens[t] = token;
    double score = total / pow(t + 1, w->penalty);
    if (token == TOKEN_END && score > w->best) {
      w->best = score;
      w->best_length = t + 1;
      memcpy(w->best_tokens, w->tokens, sizeof w->tokens);
    }
    if (token != TOKEN_END && t + 1 < LENGTH) walk(w, t + 1, total);
  }
  free(logits);
}

static void test_exhaustive(void **state) {
  (void)state;
  ParamTable table;
  int longer = 0;
  for (int round = 0; round < 8; round++) {
    float *weights = naive_weights(&table, &TINY, (uint64_t)round, 1.5f), *features = naive_features(&TINY, IMAGES, 3);
    weights[table.output.bias + TOKEN_END] = -1;
    Decoder decoder;
    CaptionSet out;
    decoder_init(&decoder, &table, IMAGES, IMAGES * MANY, LENGTH);
    captions_init(&out, IMAGES, LENGTH);
    for (int p = 0; p < 3; p++) {
      float penalty = 0.5f * (float)p;
      decoder_beam(&decoder, weights, IMAGES, features, MANY, penalty, &out);
      assert_int_equal(out.count, IMAGES);
      for (int i = 0; i < IMAGES; i++) {
        double *memory = naive_memory(&table, weights, features + i * TINY.cells * TINY.features), sum = 0;
        Walk w = {.naive = {&table, weights, memory}, .penalty = (double)penalty, .best = -INFINITY};
        walk(&w, 0, 0);
        assert_true(out.finished[i]);
        assert_int_equal(out.length[i], w.best_length);
        assert_memory_equal(out.tokens + i * LENGTH, w.best_tokens, (size_t)w.best_length * 4);
        for (int t = 0; t < out.length[i]; t++) sum += (double)out.logp[i * LENGTH + t];
        assert_true(fabs(sum / pow(w.best_length, (double)penalty) - w.best) <= 1e-5);
        longer += w.best_length > 1;
        free(memory);
      }
    }
    captions_free(&out);
    decoder_free(&decoder);
    params_free(&table);
    free(weights);
    free(features);
  }
  assert_true(longer > 20);
}

typedef struct Setup {
  ParamTable table;
  float *weights, *features;
  Decoder decoder;
  CaptionSet one, two;
} Setup;

enum { LONG = 12 };

static void setup(Setup *s, uint64_t seed, float end) {
  gemm_init();
  ModelShape shape = TINY;
  shape.vocabulary = 40;
  shape.norm = seed % 2 ? NORM_PRE : NORM_POST;
  s->weights = naive_weights(&s->table, &shape, seed, 2.0f);
  s->features = naive_features(&shape, IMAGES, seed);
  s->weights[s->table.output.bias + TOKEN_END] = end;
  decoder_init(&s->decoder, &s->table, IMAGES, IMAGES * 5, LONG);
  captions_init(&s->one, IMAGES, LONG);
  captions_init(&s->two, IMAGES, LONG);
}

static void teardown(Setup *s) {
  captions_free(&s->one);
  captions_free(&s->two);
  decoder_free(&s->decoder);
  params_free(&s->table);
  free(s->weights);
  free(s->features);
}

/* To the bit: neither the other pictures nor the way of decoding change a row's arithmetic. */
static void check_equal(const CaptionSet *a, int i, const CaptionSet *b, int j) {
  assert_int_equal(a->length[i], b->length[j]);
  assert_int_equal(a->finished[i], b->finished[j]);
  assert_memory_equal(a->tokens + i * LONG, b->tokens + j * LONG, LONG * 4);
  assert_memory_equal(a->logp + i * LONG, b->logp + j * LONG, LONG * 4);
}

static void test_beam_one_is_greedy(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 6; seed++) {
    Setup s;
    setup(&s, seed, seed % 3 ? 3 : -1000);
    decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &s.one);
    for (int p = 0; p < 2; p++) {
      decoder_beam(&s.decoder, s.weights, IMAGES, s.features, 1, (float)p, &s.two);
      for (int i = 0; i < IMAGES; i++) check_equal(&s.one, i, &s.two, i);
    }
    teardown(&s);
  }
}

/* Recorded log-probabilities are those of the chosen caption: after its history's reorderings the cache still
 * holds it. */
static void test_logp(void **state) {
  (void)state;
  int better = 0;
  for (uint64_t seed = 0; seed < 6; seed++) {
    Setup s;
    setup(&s, seed, 3);
    int v = s.table.shape.vocabulary;
    decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &s.one);
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, 5, 0, &s.two);
    for (int i = 0; i < IMAGES; i++) {
      double *memory = naive_memory(&s.table, s.weights, s.features + i * TINY.cells * TINY.features);
      Naive naive = {&s.table, s.weights, memory};
      const int32_t *tokens = s.two.tokens + i * LONG;
      double *logits = naive_logits(&naive, tokens, s.two.length[i]), beam = 0, greedy = 0;
      for (int t = 0; t < s.two.length[i]; t++) {
        beam += (double)s.two.logp[i * LONG + t];
        assert_true(fabs((double)s.two.logp[i * LONG + t] - naive_logp(logits + t * v, v, 1, tokens[t])) <= 2e-5);
      }
      for (int t = 0; t < s.one.length[i]; t++) greedy += (double)s.one.logp[i * LONG + t];
      if (s.one.finished[i] && s.two.finished[i]) better += beam > greedy + 1e-4;
      free(logits);
      free(memory);
    }
    teardown(&s);
  }
  assert_true(better > 0);
}

/* The definition at the top of beam.c, plainly: whole prefixes, full sort by repeated search, no early end. */
typedef struct Plain {
  double sum;
  int32_t tokens[LONG];
} Plain;

static int plain_beam(const Naive *naive, int beam, double penalty, int32_t *best) {
  enum { MOST = 5 };
  Plain live[MOST] = {{0, {0}}}, next[MOST];
  int v = naive->table->shape.vocabulary, count = 1, places = beam, length = 0;
  double score = -INFINITY;
  double *sums = naive_new((long)MOST * v);
  for (int t = 0; t < LONG && count; t++) {
    int kept = 0;
    for (int h = 0; h < count; h++) {
      double *logits = naive_logits(naive, live[h].tokens, t + 1);
      for (int k = 0; k < v; k++)
        sums[h * v + k] =
            k == TOKEN_END || k >= TOKENS_SPECIAL ? live[h].sum + naive_logp(logits + t * v, v, 1, k) : -INFINITY;
      free(logits);
    }
    for (int pick = 0, picks = places; pick < picks; pick++) {
      int top = 0;
      for (int i = 1; i < count * v; i++)
        if (sums[i] > sums[top]) top = i;
      Plain *child = &next[kept];
      *child = live[top / v];
      child->tokens[t] = top % v;
      child->sum = sums[top];
      sums[top] = -INFINITY;
      if (top % v != TOKEN_END) {
        kept++;
        continue;
      }
      places--;
      if (child->sum / pow(t + 1, penalty) <= score) continue;
      score = child->sum / pow(t + 1, penalty);
      length = t + 1;
      memcpy(best, child->tokens, sizeof child->tokens);
    }
    memcpy(live, next, sizeof live);
    count = kept;
  }
  free(sums);
  return length;
}

static void test_definition(void **state) {
  (void)state;
  int narrowed = 0, compared = 0;
  for (uint64_t seed = 0; seed < 12; seed++) {
    Setup s;
    setup(&s, seed, 3.5f);
    float penalty = 0.5f * (float)(seed % 3);
    int beam = 2 + (int)(seed % 4);
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, beam, penalty, &s.one);
    for (int i = 0; i < IMAGES; i++) {
      double *memory = naive_memory(&s.table, s.weights, s.features + i * TINY.cells * TINY.features);
      int32_t best[LONG];
      int length = plain_beam(&(Naive){&s.table, s.weights, memory}, beam, (double)penalty, best);
      if (length) {
        assert_true(s.one.finished[i]);
        assert_int_equal(s.one.length[i], length);
        assert_memory_equal(s.one.tokens + i * LONG, best, (size_t)length * 4);
        compared++;
        narrowed += length > 2;
      }
      free(memory);
    }
    teardown(&s);
  }
  assert_true(compared > 30 && narrowed > 10);
}

static void test_company(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    Setup s;
    setup(&s, seed, 2);
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, 3, 0.7f, &s.one);
    for (int i = 0; i < IMAGES; i++) {
      decoder_beam(&s.decoder, s.weights, 1, s.features + i * TINY.cells * TINY.features, 3, 0.7f, &s.two);
      check_equal(&s.one, i, &s.two, 0);
    }
    teardown(&s);
  }
}

static void test_unfinished(void **state) {
  (void)state;
  Setup s;
  setup(&s, 1, -1000);
  decoder_beam(&s.decoder, s.weights, IMAGES, s.features, 4, 0, &s.one);
  for (int i = 0; i < IMAGES; i++) {
    assert_true(s.one.length[i] == LONG && !s.one.finished[i]);
    for (int t = 0; t < LONG; t++) assert_true(s.one.tokens[i * LONG + t] >= TOKENS_SPECIAL);
  }
  teardown(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exhaustive), cmocka_unit_test(test_beam_one_is_greedy),
                                     cmocka_unit_test(test_logp),       cmocka_unit_test(test_definition),
                                     cmocka_unit_test(test_company),    cmocka_unit_test(test_unfinished)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
