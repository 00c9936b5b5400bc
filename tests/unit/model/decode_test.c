/* Incremental decoding against the plain teacher-forced pass; keys of the randomness; ends of captions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/model/captioner.h"
#include "common/model/decode.h"
#include "common/tensor/gemm.h"
#include "tests/unit/model/naive.h"

enum { IMAGES = 3, GROUP = 7, LENGTH = 9 };

static const ModelShape SHAPE = {.vocabulary = 71,
                                 .width = 24,
                                 .heads = 3,
                                 .feed_forward = 40,
                                 .decoder_layers = 1,
                                 .cells = 7,
                                 .features = 11,
                                 .positions = 10};
static const DecodeRules PLAIN = {0};
static const int32_t IDS[IMAGES] = {40, 7, 1 << 20};

typedef struct Setup {
  ModelShape shape;
  ParamTable table;
  float *weights, *features;
  Decoder decoder;
  CaptionSet captions;
} Setup;

static void setup(Setup *s, const ModelShape *shape) {
  gemm_init();
  s->shape = *shape;
  s->weights = naive_weights(&s->table, shape, 5, 2.0f);
  s->features = naive_features(shape, IMAGES, 6);
  decoder_init(&s->decoder, &s->table, IMAGES, IMAGES * GROUP, LENGTH);
  captions_init(&s->captions, IMAGES * GROUP, LENGTH);
}

static void teardown(Setup *s) {
  captions_free(&s->captions);
  captions_free(&s->captions); /* idempotent */
  decoder_free(&s->decoder);
  decoder_free(&s->decoder);
  params_free(&s->table);
  free(s->weights);
  free(s->features);
}

static SampleOptions options(uint64_t seed) {
  return (SampleOptions){.temperature = 1, .top_p = 1, .seed = seed, .iteration = 3};
}

static void sample(Setup *s, const SampleOptions *o) {
  decoder_sample(&s->decoder, s->weights, IMAGES, s->features, IDS, GROUP, o, &s->captions);
}

/* Every recorded log-probability equals that of the naive pass; greedy: every token is its argmax as well. */
static void check_against_naive(Setup *s, int group, double temperature, bool greedy) {
  CaptionSet *c = &s->captions;
  int v = s->shape.vocabulary, checked = 0;
  for (int i = 0; i < IMAGES; i++) {
    double *memory =
        naive_memory(&s->table, s->weights, s->features + (size_t)(i * s->shape.cells * s->shape.features));
    Naive naive = {&s->table, s->weights, memory};
    for (int g = 0; g < group; g++) {
      int row = i * group + g, length = c->length[row];
      const int32_t *tokens = c->tokens + row * LENGTH;
      double *logits = naive_logits(&naive, tokens, length);
      for (int t = 0; t < length; t++, checked++) {
        double expected = naive_logp(logits + t * v, v, temperature, tokens[t]);
        assert_true(fabs((double)c->logp[row * LENGTH + t] - expected) <= 2e-5);
        assert_true(tokens[t] == TOKEN_END || (tokens[t] >= TOKENS_SPECIAL && tokens[t] < v));
        for (int k = 0; greedy && k < v; k++)
          if (k == TOKEN_END || k >= TOKENS_SPECIAL) assert_true(logits[t * v + k] <= logits[t * v + tokens[t]] + 1e-5);
      }
      free(logits);
    }
    free(memory);
  }
  assert_true(checked >= IMAGES * group * 2);
}

/* The same by the captioner, as the learner sees the captions. */
static void check_against_captioner(Setup *s, float temperature) {
  CaptionSet *c = &s->captions;
  int32_t image_start[IMAGES + 1], caption_start[IMAGES * GROUP + 1] = {0};
  int32_t input[IMAGES * GROUP * LENGTH], target[IMAGES * GROUP * LENGTH];
  float logp[IMAGES * GROUP * LENGTH];
  int tokens = 0;
  for (int i = 0; i <= IMAGES; i++) image_start[i] = i * GROUP;
  for (int r = 0; r < c->count; r++) {
    for (int t = 0; t < c->length[r]; t++, tokens++) {
      target[tokens] = c->tokens[r * LENGTH + t];
      input[tokens] = t ? target[tokens - 1] : TOKEN_START;
    }
    caption_start[r + 1] = tokens;
  }
  Captioner captioner;
  captioner_init(&captioner, &s->table, IMAGES, c->count, tokens, 0);
  CaptionBatch batch = {IMAGES, c->count, tokens, s->features, image_start, caption_start, input, target};
  captioner_forward(&captioner, s->weights, &batch, temperature, NULL, &(TokenOutputs){.logp = logp});
  for (int r = 0; r < c->count; r++)
    for (int t = 0; t < c->length[r]; t++)
      assert_true(fabsf(c->logp[r * LENGTH + t] - logp[caption_start[r] + t]) <= 2e-5f);
  captioner_free(&captioner);
}

static void check_shape(const ModelShape *shape) {
  Setup s;
  setup(&s, shape);
  SampleOptions o = options(11);
  sample(&s, &o);
  assert_int_equal(s.captions.count, IMAGES * GROUP);
  double whole = s.captions.kept_mass; /* all but the special tokens */
  assert_true(whole > 0.5 && whole < 1);
  check_against_naive(&s, GROUP, 1, false);
  check_against_captioner(&s, 1);
  o.temperature = 0.7f;
  o.top_k = 20;
  sample(&s, &o);
  assert_true(s.captions.kept_mass > 0.5 && s.captions.kept_mass < 1);
  check_against_naive(&s, GROUP, (double)0.7f, false);
  check_against_captioner(&s, 0.7f);
  decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &PLAIN, &s.captions);
  assert_int_equal(s.captions.count, IMAGES);
  check_against_naive(&s, 1, 1, true);
  teardown(&s);
}

static void test_equals_naive(void **state) {
  (void)state;
  for (int bits = 0; bits < 32; bits++) {
    ModelShape shape = SHAPE;
    shape.norm = bits & 1 ? NORM_PRE : NORM_POST;
    shape.tied = bits & 2;
    shape.decoder_layers = bits & 4 ? 2 : 1;
    shape.activation = bits & 8 ? ACTIVATION_GELU : ACTIVATION_RELU;
    shape.encoder_layers = bits & 16 ? 2 : 0;
    check_shape(&shape);
  }
}

/* Pictures of fewer cells than N, padded with zeros: as the captioner sees them, and as a picture of so many cells alone. */
static void test_fewer_cells(void **state) {
  (void)state;
  static const int cells[IMAGES] = {3, 7, 1};
  for (int layers = 0; layers < 3; layers++) {
    ModelShape shape = SHAPE;
    shape.encoder_layers = layers;
    shape.decoder_layers = 2;
    Setup s;
    setup(&s, &shape);
    int row = shape.cells * shape.features;
    for (int i = 0; i < IMAGES; i++)
      for (int k = cells[i] * shape.features; k < row; k++) s.features[i * row + k] = 0;
    SampleOptions o = options(11);
    sample(&s, &o);
    check_against_captioner(&s, 1);
    for (int i = 0; i < IMAGES; i++) {
      Setup one;
      shape.cells = cells[i];
      setup(&one, &shape);
      decoder_sample(&one.decoder, s.weights, 1, s.features + i * row, IDS + i, GROUP, &o, &one.captions);
      size_t n = GROUP * LENGTH;
      assert_memory_equal(one.captions.tokens, s.captions.tokens + (size_t)i * n, n * sizeof(int32_t));
      assert_memory_equal(one.captions.logp, s.captions.logp + (size_t)i * n, n * sizeof(float));
      teardown(&one);
    }
    teardown(&s);
  }
}

/* Sizes about the kernels' vectors: heads of 16, 8 and 64, cells below, at and past whole vectors. */
static void test_sizes(void **state) {
  (void)state;
  static const int sizes[][3] = {{32, 2, 16}, {32, 4, 49}, {128, 2, 33}, {12, 3, 1}, {48, 1, 64}, {80, 2, 15}};
  for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    ModelShape shape = SHAPE;
    shape.width = sizes[i][0];
    shape.heads = sizes[i][1];
    shape.cells = sizes[i][2];
    check_shape(&shape);
  }
}

static bool captions_equal(const CaptionSet *a, const CaptionSet *b) {
  size_t tokens = (size_t)(a->count * LENGTH) * 4, rows = (size_t)a->count;
  return a->count == b->count && !memcmp(a->tokens, b->tokens, tokens) && !memcmp(a->logp, b->logp, tokens) &&
         !memcmp(a->length, b->length, rows * 4) && !memcmp(a->finished, b->finished, rows * sizeof(bool));
}

static void test_keys(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  CaptionSet first = s.captions;
  captions_init(&s.captions, IMAGES * GROUP, LENGTH);
  SampleOptions o = options(11);
  decoder_sample(&s.decoder, s.weights, IMAGES, s.features, IDS, GROUP, &o, &first);
  sample(&s, &o);
  assert_true(captions_equal(&first, &s.captions));
  o.iteration++;
  sample(&s, &o);
  assert_false(captions_equal(&first, &s.captions));
  o = options(12);
  sample(&s, &o);
  assert_false(captions_equal(&first, &s.captions));
  int distinct = 0;
  for (int g = 1; g < GROUP; g++) distinct += memcmp(first.tokens, first.tokens + g * LENGTH, LENGTH * 4) != 0;
  assert_true(distinct > 0);
  captions_free(&first);
  teardown(&s);
}

/* A picture's captions are the same bits alone, in another place and in a smaller group. */
static void check_company(const ModelShape *shape) {
  Setup s;
  setup(&s, shape);
  SampleOptions o = options(11);
  sample(&s, &o);
  CaptionSet alone;
  captions_init(&alone, GROUP, LENGTH);
  for (int i = 0; i < IMAGES; i++) {
    for (int group = GROUP; group > 0; group -= GROUP - 2) {
      const float *features = s.features + i * SHAPE.cells * SHAPE.features;
      decoder_sample(&s.decoder, s.weights, 1, features, IDS + i, group, &o, &alone);
      for (int k = 0; k < group * LENGTH; k++) {
        assert_int_equal(alone.tokens[k], s.captions.tokens[i * GROUP * LENGTH + k]);
        assert_true(alone.logp[k] == s.captions.logp[i * GROUP * LENGTH + k]);
      }
    }
  }
  captions_free(&alone);
  teardown(&s);
}

static void test_company(void **state) {
  (void)state;
  ModelShape shape = SHAPE;
  check_company(&shape);
  shape.encoder_layers = 1;
  check_company(&shape);
}

/* Weights that were loaded give the same; changed ones only after they are loaded again. */
static void test_load(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  CaptionSet plain = s.captions;
  captions_init(&s.captions, IMAGES * GROUP, LENGTH);
  SampleOptions o = options(11);
  decoder_sample(&s.decoder, s.weights, IMAGES, s.features, IDS, GROUP, &o, &plain);
  decoder_load(&s.decoder, s.weights);
  sample(&s, &o);
  assert_true(captions_equal(&plain, &s.captions));
  for (size_t i = 0; i < 400; i++) s.weights[s.table.output.weight + i] = 0;
  decoder_load(&s.decoder, s.weights);
  sample(&s, &o);
  assert_false(captions_equal(&plain, &s.captions));
  captions_free(&plain);
  captions_init(&plain, IMAGES * GROUP, LENGTH);
  decoder_load(&s.decoder, NULL);
  decoder_sample(&s.decoder, s.weights, IMAGES, s.features, IDS, GROUP, &o, &plain);
  assert_true(captions_equal(&plain, &s.captions));
  captions_free(&plain);
  teardown(&s);
}

static void test_ends(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  float *end = &s.weights[s.table.output.bias + TOKEN_END];
  *end = 2;
  SampleOptions o = options(11);
  sample(&s, &o);
  int cut = 0;
  for (int r = 0; r < IMAGES * GROUP; r++) {
    const int32_t *tokens = s.captions.tokens + r * LENGTH;
    int length = s.captions.length[r];
    assert_true(length >= 1 && length <= LENGTH);
    assert_int_equal(s.captions.finished[r], tokens[length - 1] == TOKEN_END);
    for (int t = 0; t < length - 1; t++) assert_int_not_equal(tokens[t], TOKEN_END);
    for (int t = length; t < LENGTH; t++) assert_true(tokens[t] == TOKEN_PAD && s.captions.logp[r * LENGTH + t] == 0);
    if (!s.captions.finished[r]) assert_int_equal(length, LENGTH), cut++;
  }
  assert_true(cut > 0 && cut < IMAGES * GROUP); /* both kinds are there */
  *end = -1000;
  for (int greedy = 0; greedy < 2; greedy++) {
    if (greedy) decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &PLAIN, &s.captions);
    else sample(&s, &o);
    for (int r = 0; r < s.captions.count; r++) assert_true(s.captions.length[r] == LENGTH && !s.captions.finished[r]);
  }
  *end = 1000;
  sample(&s, &o);
  for (int r = 0; r < s.captions.count; r++)
    assert_true(s.captions.length[r] == 1 && s.captions.finished[r] && fabsf(s.captions.logp[r * LENGTH]) <= 1e-6f);
  teardown(&s);
}

static void test_lengths(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  int32_t lengths[IMAGES * GROUP];
  for (int r = 0; r < IMAGES * GROUP; r++) lengths[r] = 1 + r % LENGTH;
  SampleOptions o = options(11);
  o.lengths = lengths;
  sample(&s, &o);
  assert_memory_equal(s.captions.length, lengths, sizeof lengths);
  teardown(&s);
}

/* The forbidden tokens keep their probability but are never written. */
static void test_forbidden(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  s.weights[s.table.output.bias + TOKEN_PAD] = s.weights[s.table.output.bias + TOKEN_START] =
      s.weights[s.table.output.bias + TOKEN_UNKNOWN] = 12;
  SampleOptions o = options(11);
  sample(&s, &o);
  check_against_naive(&s, GROUP, 1, false);
  assert_true(s.captions.logp[0] < -1);
  decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &PLAIN, &s.captions);
  check_against_naive(&s, 1, 1, true);
  teardown(&s);
}

/* Rules shut tokens out, greedy takes the best of the rest, and the recorded log-probability stays the policy's. */
static void test_rules(void **state) {
  (void)state;
  Setup s;
  setup(&s, &SHAPE);
  s.weights[s.table.output.bias + TOKEN_END] = 5;
  s.weights[s.table.output.bias + TOKEN_UNKNOWN] = 4;
  int v = s.shape.vocabulary, unknown = 0;
  for (int round = 0; round < 6; round++) {
    SampleOptions o = options(20 + (uint64_t)round);
    bool greedy = round % 2;
    o.rules = (DecodeRules){.min_length = 3 + round / 2, .no_repeat_ngram = 1 + round % 3, .allow_unknown = round < 3};
    if (greedy) decoder_greedy(&s.decoder, s.weights, IMAGES, s.features, &o.rules, &s.captions);
    else sample(&s, &o);
    int group = greedy ? 1 : GROUP;
    double kept = 0, drawn = 0;
    for (int r = 0; r < s.captions.count; r++) {
      const int32_t *tokens = s.captions.tokens + r * LENGTH;
      int length = s.captions.length[r];
      double *memory =
          naive_memory(&s.table, s.weights, s.features + (size_t)(r / group * s.shape.cells * s.shape.features));
      double *logits = naive_logits(&(Naive){&s.table, s.weights, memory}, tokens, length);
      assert_true(length > o.rules.min_length);
      for (int t = 0; t < length; t++, drawn++) {
        Forbidden forbidden;
        forbidden_find(&forbidden, &o.rules, v, tokens, t); /* itself under test in forbidden_test.c */
        assert_false(forbidden_has(&forbidden, tokens[t]));
        unknown += tokens[t] == TOKEN_UNKNOWN;
        assert_true(fabs((double)s.captions.logp[r * LENGTH + t] - naive_logp(logits + t * v, v, 1, tokens[t])) <=
                    2e-5);
        for (int k = 0; k < v; k++) {
          if (forbidden_has(&forbidden, k)) continue;
          kept += exp(naive_logp(logits + t * v, v, 1, k));
          if (greedy) assert_true(logits[t * v + k] <= logits[t * v + tokens[t]] + 1e-5);
        }
      }
      free(logits);
      free(memory);
    }
    if (!greedy) assert_true(fabs(s.captions.kept_mass - kept / drawn) <= 1e-5);
    if (!greedy) check_against_captioner(&s, 1);
  }
  assert_true(unknown > 0);
  teardown(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_equals_naive), cmocka_unit_test(test_fewer_cells),
                                     cmocka_unit_test(test_sizes),        cmocka_unit_test(test_keys),
                                     cmocka_unit_test(test_company),      cmocka_unit_test(test_load),
                                     cmocka_unit_test(test_ends),         cmocka_unit_test(test_lengths),
                                     cmocka_unit_test(test_rules),        cmocka_unit_test(test_forbidden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
