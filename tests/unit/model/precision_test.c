/* The captioner in bfloat16 beside itself in float32: near, but not the same; decoding records what the teacher-forced
 * pass finds; the same bits on any number of threads. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/rng.h"
#include "common/model/captioner.h"
#include "common/model/decode.h"
#include "common/tensor/gemm.h"

enum { IMAGES = 4, GROUP = 5, CAPTIONS = IMAGES * GROUP, LENGTH = 9, MOST = CAPTIONS * LENGTH };

static const ModelShape SHAPE = {.vocabulary = 150,
                                 .width = 64,
                                 .heads = 4,
                                 .feed_forward = 96,
                                 .encoder_layers = 1,
                                 .decoder_layers = 2,
                                 .cells = 7,
                                 .features = 37,
                                 .positions = 10};

typedef struct Setup {
  ParamTable table;
  float *weights, *features, *gradients;
  CaptionSet set;
  CaptionBatch batch;
  int32_t image_start[IMAGES + 1], caption_start[CAPTIONS + 1], input[MOST], target[MOST];
  float logp[MOST];
} Setup;

/* Samples captions in the precision that is set, and packs them as the learner does. */
static void setup(Setup *s, NormPlace norm) {
  gemm_init();
  ModelShape shape = SHAPE;
  shape.norm = norm;
  assert_int_equal(params_init(&s->table, &shape), OK);
  s->weights = params_block(&s->table);
  params_initialise(&s->table, 5, s->weights);
  size_t floats = (size_t)(IMAGES * shape.cells * shape.features);
  s->features = xmalloc(floats * sizeof(float));
  for (size_t i = 0; i < floats; i++) s->features[i] = rng_normal(&(RngKey){.stage = RNG_TEST, .image = (uint32_t)i});
  s->gradients = params_block(&s->table);
  captions_init(&s->set, CAPTIONS, LENGTH);
  Decoder decoder;
  decoder_init(&decoder, &s->table, IMAGES, CAPTIONS, LENGTH);
  const int32_t ids[IMAGES] = {40, 7, 1 << 20, 3};
  SampleOptions options = {.temperature = 1, .top_p = 1, .seed = 11};
  decoder_sample(&decoder, s->weights, IMAGES, s->features, ids, GROUP, &options, &s->set);
  decoder_free(&decoder);
  int tokens = 0;
  for (int c = 0; c < CAPTIONS; c++) {
    s->caption_start[c] = tokens;
    for (int t = 0; t < s->set.length[c]; t++, tokens++) {
      s->target[tokens] = s->set.tokens[c * LENGTH + t];
      s->input[tokens] = t ? s->target[tokens - 1] : TOKEN_START;
    }
  }
  s->caption_start[CAPTIONS] = tokens;
  for (int i = 0; i <= IMAGES; i++) s->image_start[i] = i * GROUP;
  s->batch =
      (CaptionBatch){IMAGES, CAPTIONS, tokens, s->features, s->image_start, s->caption_start, s->input, s->target};
}

static void teardown(Setup *s) {
  captions_free(&s->set);
  params_free(&s->table);
  free(s->weights), free(s->features), free(s->gradients);
}

/* logp, and gradients of its weighted sum. */
static void run(Setup *s, Precision precision, int threads) {
  int before = omp_get_max_threads();
  float pull[MOST];
  for (int t = 0; t < s->batch.tokens; t++) pull[t] = (float)(t % 5 - 2) / 5;
  gemm_precision_set(precision);
  omp_set_num_threads(threads);
  Captioner captioner;
  captioner_init(&captioner, &s->table, IMAGES, CAPTIONS, s->batch.tokens, 1);
  memset(s->gradients, 0, s->table.total * sizeof(float));
  captioner_forward(&captioner, s->weights, &s->batch, 1, NULL, &(TokenOutputs){.logp = s->logp});
  captioner_backward(&captioner, s->weights, &s->batch, &(TokenGradients){.logp = pull}, s->gradients);
  captioner_free(&captioner);
  omp_set_num_threads(before);
}

/* |x - y| / |y| */
static double distance(size_t n, const float *x, const float *y) {
  double apart = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    apart += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    size += (double)y[i] * (double)y[i];
  }
  return sqrt(apart / size);
}

static void near_float32(void **state) {
  (void)state;
  static Setup s;
  for (int pre = 0; pre < 2; pre++) {
    gemm_precision_set(PRECISION_FLOAT32);
    setup(&s, pre ? NORM_PRE : NORM_POST);
    run(&s, PRECISION_FLOAT32, 1);
    float logp[MOST], *gradients = params_block(&s.table);
    memcpy(logp, s.logp, sizeof logp);
    memcpy(gradients, s.gradients, s.table.total * sizeof(float));
    run(&s, PRECISION_BF16, 1);
    double apart = distance((size_t)s.batch.tokens, s.logp, logp);
    assert_true(apart > 1e-5 && apart < 0.02);
    for (int r = 0; r < s.table.count; r++) {
      const Param *row = &s.table.rows[r];
      double size = distance(row->count, gradients + row->offset, s.gradients + row->offset);
      if (!(size > 1e-5 && size < 0.1)) fail_msg("gradient of %s: %g apart", row->name, size);
    }
    free(gradients);
    teardown(&s);
  }
  gemm_precision_set(PRECISION_FLOAT32);
}

/* Linear layers give the same bits either way; attention sums in another order, and a last bit may round elsewhere. */
static void decoding_records_what_forward_finds(void **state) {
  (void)state;
  static Setup s;
  gemm_precision_set(PRECISION_BF16);
  setup(&s, NORM_POST);
  run(&s, PRECISION_BF16, 1);
  double sum = 0;
  for (int c = 0; c < CAPTIONS; c++) {
    for (int t = 0; t < s.set.length[c]; t++) {
      double apart = fabs((double)s.set.logp[c * LENGTH + t] - (double)s.logp[s.caption_start[c] + t]);
      assert_true(apart < 0.02);
      sum += apart;
    }
  }
  assert_true(sum / s.batch.tokens < 1e-3);
  teardown(&s);
  gemm_precision_set(PRECISION_FLOAT32);
}

static void same_bits_on_any_threads(void **state) {
  (void)state;
  static Setup s;
  gemm_precision_set(PRECISION_BF16);
  setup(&s, NORM_POST);
  run(&s, PRECISION_BF16, 1);
  float logp[MOST], *gradients = params_block(&s.table);
  memcpy(logp, s.logp, sizeof logp);
  memcpy(gradients, s.gradients, s.table.total * sizeof(float));
  for (int threads = 2; threads <= 5; threads += 3) {
    run(&s, PRECISION_BF16, threads);
    assert_memory_equal(logp, s.logp, (size_t)s.batch.tokens * sizeof(float));
    assert_memory_equal(gradients, s.gradients, s.table.total * sizeof(float));
  }
  free(gradients);
  teardown(&s);
  gemm_precision_set(PRECISION_FLOAT32);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(near_float32),
                                     cmocka_unit_test(decoding_records_what_forward_finds),
                                     cmocka_unit_test(same_bits_on_any_threads)};
  return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
