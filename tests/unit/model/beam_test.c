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
      decoder_beam(&decoder, weights, IMAGES, features, &(BeamOptions){.beam = MANY, .length_penalty = penalty}, &out);
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
static const DecodeRules PLAIN = {0};

static void setup(Setup *s, uint64_t seed, float end) {
  gemm_init();
  ModelShape shape = TINY;
  shape.vocabulary = 40;
  shape.norm = seed % 2 ? NORM_PRE : NORM_POST;
  s->weights = naive_weights(&s->table, &shape, seed, 2.0f);
  s->features = naive_features(&shape, IMAGES, seed);
  s->weights[s->table.output.bias + TOKEN_END] = end;
  decoder_init(&s->decoder, &s->table, IMAGES, IMAGES * 5, LONG);
  captions_init(&s->one, IMAGES * 5, LONG);
  captions_init(&s->two, IMAGES * 5, LONG);
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
    decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &PLAIN, &s.one);
    for (int p = 0; p < 2; p++) {
      decoder_beam(&s.decoder, s.weights, IMAGES, s.features, &(BeamOptions){.beam = 1, .length_penalty = (float)p},
                   &s.two);
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
    decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &PLAIN, &s.one);
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, &(BeamOptions){.beam = 5, .length_penalty = 0}, &s.two);
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

/* The definition at the top of beam.c, plainly: whole prefixes, full sort by repeated search, no early end, groups all
 * the way to the last position. best [groups, LONG], lengths [groups] (0: none finished), scores [groups]. */
typedef struct Plain {
  double sum;
  int32_t tokens[LONG];
} Plain;

static bool plain_forbids(const DecodeRules *rules, const int32_t *tokens, int count, int token) {
  if (token == TOKEN_PAD || token == TOKEN_START || (token == TOKEN_UNKNOWN && !rules->allow_unknown)) return true;
  if (token == TOKEN_END && count < rules->min_length) return true;
  int n = rules->no_repeat_ngram;
  for (int i = 0; n && i + n <= count; i++)
    if (tokens[i + n - 1] == token && !memcmp(tokens + i, tokens + count - n + 1, (size_t)(n - 1) * 4)) return true;
  return false;
}

enum { WIDTH = 5, GROUPS = 4 };

static void plain_beam(const Naive *naive, const BeamOptions *o, int32_t (*best)[LONG], int *length, double *score) {
  int v = naive->table->shape.vocabulary, groups = o->groups ? o->groups : 1;
  int count[GROUPS], places[GROUPS];
  Plain live[GROUPS][WIDTH] = {{{0, {0}}}}, next[WIDTH];
  double *sums = naive_new((long)WIDTH * v), *values = naive_new((long)WIDTH * v);
  int *taken = calloc((size_t)v, sizeof *taken);
  for (int g = 0; g < groups; g++) count[g] = 1, places[g] = o->beam / groups, length[g] = 0, score[g] = -INFINITY;
  for (int t = 0; t < LONG; t++) {
    memset(taken, 0, (size_t)v * sizeof *taken);
    for (int g = 0; g < groups; g++) {
      int kept = 0;
      for (int h = 0; h < count[g]; h++) {
        double *logits = naive_logits(naive, live[g][h].tokens, t + 1);
        for (int k = 0; k < v; k++) {
          sums[h * v + k] = live[g][h].sum + naive_logp(logits + t * v, v, 1, k);
          values[h * v + k] = plain_forbids(&o->rules, live[g][h].tokens, t, k)
                                  ? -INFINITY
                                  : sums[h * v + k] - (double)o->diversity * taken[k];
        }
        free(logits);
      }
      for (int pick = 0, picks = count[g] ? places[g] : 0; pick < picks; pick++) {
        int top = 0;
        for (int i = 1; i < count[g] * v; i++)
          if (values[i] > values[top]) top = i;
        Plain *child = &next[kept];
        *child = live[g][top / v];
        child->tokens[t] = top % v;
        child->sum = sums[top];
        values[top] = -INFINITY;
        taken[top % v]++;
        if (top % v != TOKEN_END) {
          kept++;
          continue;
        }
        places[g]--;
        double value = child->sum / pow(t + 1, (double)o->length_penalty);
        if (value <= score[g]) continue;
        score[g] = value;
        length[g] = t + 1;
        memcpy(best[g], child->tokens, sizeof child->tokens);
      }
      memcpy(live[g], next, sizeof next);
      count[g] = kept;
    }
  }
  free(sums);
  free(values);
  free(taken);
}

static void check_caption(const CaptionSet *set, int row, const int32_t *tokens, int length) {
  assert_true(set->finished[row]);
  assert_int_equal(set->length[row], length);
  assert_memory_equal(set->tokens + row * LONG, tokens, (size_t)length * 4);
}

/* All pictures of one search against the plain one. Returns how many captions were compared. */
static int check_plain(Setup *s, BeamOptions o, int *longer) {
  int groups = o.groups ? o.groups : 1, compared = 0;
  o.each_group = true;
  decoder_beam(&s->decoder, s->weights, IMAGES, s->features, &o, &s->one);
  assert_int_equal(s->one.count, IMAGES * groups);
  o.each_group = false;
  decoder_beam(&s->decoder, s->weights, IMAGES, s->features, &o, &s->two);
  assert_int_equal(s->two.count, IMAGES);
  for (int i = 0; i < IMAGES; i++) {
    double *memory = naive_memory(&s->table, s->weights, s->features + i * TINY.cells * TINY.features);
    int32_t best[GROUPS][LONG];
    int length[GROUPS], top = 0;
    double score[GROUPS];
    plain_beam(&(Naive){&s->table, s->weights, memory}, &o, best, length, score);
    for (int g = 0; g < groups; g++) {
      if (score[g] > score[top]) top = g;
      if (!length[g]) continue;
      check_caption(&s->one, i * groups + g, best[g], length[g]);
      compared++;
      *longer += length[g] > 2;
    }
    if (length[top]) check_caption(&s->two, i, best[top], length[top]);
    free(memory);
  }
  return compared;
}

static void test_definition(void **state) {
  (void)state;
  int longer = 0, compared = 0;
  for (uint64_t seed = 0; seed < 12; seed++) {
    Setup s;
    setup(&s, seed, 3.5f);
    BeamOptions o = {.beam = 2 + (int)(seed % 4), .length_penalty = 0.5f * (float)(seed % 3)};
    compared += check_plain(&s, o, &longer);
    teardown(&s);
  }
  assert_true(compared > 30 && longer > 10);
}

static void test_diverse(void **state) {
  (void)state;
  static const int shapes[][2] = {{4, 2}, {3, 3}, {4, 4}, {2, 2}}; /* beam, groups */
  int longer = 0, compared = 0, differ = 0;
  for (uint64_t seed = 0; seed < 12; seed++) {
    Setup s;
    setup(&s, seed, 3.0f);
    BeamOptions o = {.beam = shapes[seed % 4][0],
                     .groups = shapes[seed % 4][1],
                     .diversity = 0.7f * (float)(seed % 3),
                     .length_penalty = seed % 2 ? 0.8f : 0};
    if (seed > 7) o.rules.no_repeat_ngram = 2;
    compared += check_plain(&s, o, &longer);
    o.each_group = true;
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, &o, &s.one);
    for (int r = 1; r < s.one.count; r++) {
      bool same = !memcmp(s.one.tokens + r * LONG, s.one.tokens + (r - 1) * LONG, LONG * 4);
      if (r % o.groups && o.diversity == 0) assert_true(same); /* without it all groups are one search */
      if (r % o.groups && o.diversity > 0) differ += !same;
    }
    teardown(&s);
  }
  assert_true(compared > 60 && longer > 20 && differ > 30);
}

static void test_rules(void **state) {
  (void)state;
  int longer = 0, compared = 0;
  for (uint64_t seed = 0; seed < 9; seed++) {
    Setup s;
    setup(&s, seed, 4.0f);
    BeamOptions o = {.beam = 3, .length_penalty = 0.7f};
    o.rules = (DecodeRules){
        .min_length = 3 + (int)(seed % 3), .no_repeat_ngram = 1 + (int)(seed % 2), .allow_unknown = seed % 2};
    compared += check_plain(&s, o, &longer);
    for (int r = 0; r < s.two.count; r++) assert_true(s.two.length[r] > o.rules.min_length);
    teardown(&s);
  }
  assert_true(compared > 25 && longer == compared);
}

static void test_company(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 4; seed++) {
    Setup s;
    setup(&s, seed, 2);
    BeamOptions o = {.beam = 4, .groups = seed % 2 ? 2 : 1, .diversity = 0.5f, .length_penalty = 0.7f};
    decoder_beam(&s.decoder, s.weights, IMAGES, s.features, &o, &s.one);
    for (int i = 0; i < IMAGES; i++) {
      decoder_beam(&s.decoder, s.weights, 1, s.features + i * TINY.cells * TINY.features, &o, &s.two);
      check_equal(&s.one, i, &s.two, 0);
    }
    teardown(&s);
  }
}

static void test_unfinished(void **state) {
  (void)state;
  Setup s;
  setup(&s, 1, -1000);
  decoder_beam(&s.decoder, s.weights, IMAGES, s.features, &(BeamOptions){.beam = 4, .length_penalty = 0}, &s.one);
  for (int i = 0; i < IMAGES; i++) {
    assert_true(s.one.length[i] == LONG && !s.one.finished[i]);
    for (int t = 0; t < LONG; t++) assert_true(s.one.tokens[i * LONG + t] >= TOKENS_SPECIAL);
  }
  teardown(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_exhaustive), cmocka_unit_test(test_beam_one_is_greedy),
                                     cmocka_unit_test(test_logp),       cmocka_unit_test(test_definition),
                                     cmocka_unit_test(test_diverse),    cmocka_unit_test(test_rules),
                                     cmocka_unit_test(test_company),    cmocka_unit_test(test_unfinished)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
