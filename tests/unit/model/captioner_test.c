/* The captioner against PyTorch goldens, finite differences, itself unpacked, and itself on other numbers of
 * threads. */
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "common/model/captioner.h"
#include "common/tensor/gemm.h"

/* noise() of tests/golden/model/make_captioner_golden.py: [-0.5, 0.5). */
static float noise(uint32_t stream, uint32_t i) {
  uint32_t x = i * 2654435761u + stream * 97u + 1u;
  for (int round = 0; round < 2; round++) x = (x ^ x >> 16) * 0x45D9F3Bu;
  x ^= x >> 16;
  return (float)((double)x * 0x1p-32 - 0.5);
}

static void weights_fill(const ParamTable *table, float *weights) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    size_t length = strlen(row->name);
    bool norm = length > 11 && strcmp(row->name + length - 11, "norm.weight") == 0;
    for (size_t i = 0; i < row->count; i++) {
      double x = (double)noise((uint32_t)r, (uint32_t)i);
      if (row->columns > 1) x *= (double)(float)(3 / sqrt((double)row->columns));
      weights[row->offset + i] = (float)(norm ? x + 1 : x);
    }
  }
}

/* A batch with its own memory. */
typedef struct Case {
  ParamTable table;
  CaptionBatch batch;
  int32_t image_start[9], caption_start[33], input[512], target[512];
  float *features, *weights, *gradients, *k[3]; /* k: the loss's coefficients */
  float logp[512], entropy[512], mean_logp[512];
  float temperature;
  Captioner captioner;
} Case;

static void case_init(Case *c, const ModelShape *shape, int images, const int *group, int captions,
                      const int *lengths) {
  memset(c, 0, sizeof *c);
  gemm_init();
  assert_int_equal(params_init(&c->table, shape), OK);
  c->weights = params_block(&c->table), c->gradients = params_block(&c->table);
  weights_fill(&c->table, c->weights);
  for (int i = 0; i < captions; i++) {
    c->caption_start[i + 1] = c->caption_start[i] + lengths[i];
    for (int m = group[i] + 1; m <= images; m++) c->image_start[m] = i + 1;
  }
  int tokens = c->caption_start[captions], floats = images * shape->cells * shape->features;
  c->features = malloc((size_t)floats * sizeof(float));
  for (int i = 0; i < floats; i++) c->features[i] = noise(901, (uint32_t)i) * 4;
  for (int p = 0; p < 3; p++) {
    c->k[p] = malloc((size_t)tokens * sizeof(float));
    for (int i = 0; i < tokens; i++) c->k[p][i] = noise(910 + (uint32_t)p, (uint32_t)i);
  }
  for (int i = 0; i < tokens; i++) {
    c->input[i] = (int32_t)((noise(920, (uint32_t)i) + 0.5f) * (float)shape->vocabulary);
    c->target[i] = (int32_t)((noise(921, (uint32_t)i) + 0.5f) * (float)shape->vocabulary);
  }
  c->batch = (CaptionBatch){.images = images,
                            .captions = captions,
                            .tokens = tokens,
                            .features = c->features,
                            .image_start = c->image_start,
                            .caption_start = c->caption_start,
                            .input = c->input,
                            .target = c->target};
  c->temperature = 1;
  captioner_init(&c->captioner, &c->table, images, captions, tokens, 1);
}

static void case_free(Case *c) {
  captioner_free(&c->captioner);
  captioner_free(&c->captioner);
  params_free(&c->table);
  free(c->features), free(c->weights), free(c->gradients);
  for (int p = 0; p < 3; p++) free(c->k[p]);
}

/* Captions of GROUP and LENGTHS that begin as the first of their picture does: by four tokens, by all, and once more. */
static void begin_alike(Case *c) {
  const int32_t *start = c->caption_start;
  memcpy(c->input + start[1], c->input, 4 * sizeof *c->input);
  c->input[start[1] + 4] = c->input[4] ? 0 : 1; /* here they part */
  c->input[start[2]] = c->input[0];
  memcpy(c->input + start[4], c->input + start[3], 3 * sizeof *c->input);
}

enum { ALIKE = 4 + 1 + 3 };

/* sum k0 logp + k1 entropy + k2 mean_logp */
static double case_loss(Case *c, const Dropout *dropout) {
  TokenOutputs outputs = {c->logp, c->entropy, c->mean_logp};
  captioner_forward(&c->captioner, c->weights, &c->batch, c->temperature, dropout, &outputs);
  double loss = 0;
  for (int t = 0; t < c->batch.tokens; t++)
    loss += (double)c->k[0][t] * (double)c->logp[t] + (double)c->k[1][t] * (double)c->entropy[t] +
            (double)c->k[2][t] * (double)c->mean_logp[t];
  return loss;
}

static void case_backward(Case *c) {
  TokenGradients outputs = {c->k[0], c->k[1], c->k[2]};
  captioner_backward(&c->captioner, c->weights, &c->batch, &outputs, c->gradients);
}

/* --- goldens ---------------------------------------------------------------------------------------------------- */

static int integer(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_integer(value));
  return (int)json_integer_value(value);
}

static bool says(const json_t *object, const char *key, const char *word) {
  return strcmp(json_string_value(json_object_get(object, key)), word) == 0;
}

static int integers(const json_t *object, const char *key, int *out) {
  const json_t *array = json_object_get(object, key);
  for (size_t i = 0; i < json_array_size(array); i++) out[i] = (int)json_integer_value(json_array_get(array, i));
  return (int)json_array_size(array);
}

/* |got - want| <= tolerance * the largest |want|. */
static void near_array(const char *what, const json_t *want, const float *got, double tolerance) {
  double largest = 0;
  size_t n = json_array_size(want);
  assert_true(n > 0);
  for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(json_number_value(json_array_get(want, i))));
  for (size_t i = 0; i < n; i++) {
    double wanted = json_number_value(json_array_get(want, i)), difference = fabs((double)got[i] - wanted);
    if (!(difference <= tolerance * largest + 1e-9))
      fail_msg("%s[%zu] = %.9g, wanted %.9g (largest %.3g)", what, i, (double)got[i], wanted, largest);
  }
}

static void golden_check(const json_t *golden) {
  const json_t *s = json_object_get(golden, "shape");
  ModelShape shape = {.vocabulary = integer(s, "vocabulary"),
                      .width = integer(s, "d_model"),
                      .heads = integer(s, "heads"),
                      .feed_forward = integer(s, "d_ff"),
                      .encoder_layers = integer(s, "enc_layers"),
                      .decoder_layers = integer(s, "dec_layers"),
                      .cells = integer(s, "cells"),
                      .features = integer(s, "features"),
                      .positions = integer(s, "positions"),
                      .norm = says(s, "norm", "pre") ? NORM_PRE : NORM_POST,
                      .activation = says(s, "activation", "gelu") ? ACTIVATION_GELU : ACTIVATION_RELU,
                      .tied = json_is_true(json_object_get(s, "tied"))};
  int group[32], lengths[32], captions = integers(golden, "lengths", lengths);
  assert_int_equal(integers(golden, "group", group), captions);
  Case c;
  case_init(&c, &shape, group[captions - 1] + 1, group, captions, lengths);
  integers(golden, "inputs", c.input);
  integers(golden, "targets", c.target);
  c.temperature = (float)json_number_value(json_object_get(s, "temperature"));
  double want = json_number_value(json_object_get(golden, "loss")), got = case_loss(&c, NULL);
  assert_true(fabs(got - want) <= 1e-4 * fabs(want) + 1e-6);
  near_array("logp", json_object_get(golden, "logp"), c.logp, 1e-5);
  near_array("entropy", json_object_get(golden, "entropy"), c.entropy, 1e-5);
  near_array("mean_logp", json_object_get(golden, "mean_logp"), c.mean_logp, 1e-5);
  case_backward(&c);
  const json_t *gradients = json_object_get(golden, "gradients");
  assert_int_equal(json_object_size(gradients), c.table.count);
  for (int r = 0; r < c.table.count; r++) {
    const Param *row = &c.table.rows[r];
    const json_t *array = json_object_get(gradients, row->name);
    assert_int_equal(json_array_size(array), row->count);
    near_array(row->name, array, c.gradients + row->offset, 1e-4);
  }
  case_free(&c);
}

static void equals_pytorch(void **state) {
  (void)state;
  json_t *root;
  if (json_read("tests/golden/model/captioner.json", &root) != OK) fail_msg("%s", status_message());
  assert_true(json_array_size(root) >= 5);
  for (size_t i = 0; i < json_array_size(root); i++) {
    print_message("  %s\n", json_string_value(json_object_get(json_array_get(root, i), "name")));
    golden_check(json_array_get(root, i));
  }
  json_decref(root);
}

/* --- finite differences ----------------------------------------------------------------------------------------- */

static const ModelShape SMALL = {.vocabulary = 37,
                                 .width = 24,
                                 .heads = 3,
                                 .feed_forward = 40,
                                 .decoder_layers = 1,
                                 .cells = 9,
                                 .features = 10,
                                 .positions = 12,
                                 .norm = NORM_POST,
                                 .activation = ACTIVATION_GELU};
static const int GROUP[] = {0, 0, 0, 1, 1, 3}, LENGTHS[] = {5, 12, 1, 7, 3, 9};

/* The loss's slope along a random direction within one parameter, by central differences of two steps (Richardson),
 * against the gradient's; float32 noise of the loss over the step is what the tolerance allows. */
static void slopes_check(Case *c, const Dropout *dropout) {
  case_loss(c, dropout);
  case_backward(c);
  float *direction = malloc(c->table.total * sizeof(float)), *kept = malloc(c->table.total * sizeof(float));
  memcpy(kept, c->weights, c->table.total * sizeof(float));
  for (int r = 0; r < c->table.count; r++) {
    const Param *row = &c->table.rows[r];
    double norm = 0, slope = 0, steep = 0, loss[4];
    for (size_t i = 0; i < row->count; i++) {
      direction[i] = noise(77 + (uint32_t)r, (uint32_t)i);
      norm += (double)direction[i] * (double)direction[i];
    }
    for (size_t i = 0; i < row->count; i++) {
      direction[i] /= (float)sqrt(norm);
      slope += (double)direction[i] * (double)c->gradients[row->offset + i];
      steep += (double)c->gradients[row->offset + i] * (double)c->gradients[row->offset + i];
    }
    const float step[4] = {0.04f, -0.04f, 0.02f, -0.02f};
    for (int s = 0; s < 4; s++) {
      for (size_t i = 0; i < row->count; i++) c->weights[row->offset + i] += step[s] * direction[i];
      loss[s] = case_loss(c, dropout);
      memcpy(c->weights + row->offset, kept + row->offset, row->count * sizeof(float));
    }
    double wide = (loss[0] - loss[1]) / 0.08, narrow = (loss[2] - loss[3]) / 0.04, want = narrow + (narrow - wide) / 3;
    double difference = fabs(slope - want);
    if (!(difference <= 2e-3 * sqrt(steep) + 3e-4))
      fail_msg("%s: slope %.6g, finite difference %.6g (|gradient| %.3g)", row->name, slope, want, sqrt(steep));
  }
  free(direction), free(kept);
}

static void equals_finite_differences(void **state) {
  (void)state;
  for (int variant = 0; variant < 8; variant++) {
    ModelShape shape = SMALL;
    shape.norm = variant & 1 ? NORM_PRE : NORM_POST;
    shape.decoder_layers = variant & 2 ? 2 : 1;
    shape.encoder_layers = variant & 2 ? 1 : 0;
    shape.tied = variant & 1;
    Dropout dropout = {.rate = 0.3f, .image_rate = 0.2f, .seed = 5, .step = 9};
    Case c;
    case_init(&c, &shape, 4, GROUP, 6, LENGTHS);
    begin_alike(&c);
    c.temperature = variant & 4 ? 0.8f : 1.0f;
    slopes_check(&c, variant & 4 ? &dropout : NULL);
    assert_int_equal(captioner_rows(&c.captioner), c.batch.tokens - (variant & 4 ? 0 : ALIKE));
    case_free(&c);
  }
}

/* The standard captioning Transformer is six layers and six; two encoder layers besides, for the way between layers. */
static void deep_equals_finite_differences(void **state) {
  (void)state;
  for (int variant = 0; variant < 4; variant++) {
    ModelShape shape = SMALL;
    shape.norm = variant & 1 ? NORM_PRE : NORM_POST;
    shape.encoder_layers = variant & 2 ? 6 : 2;
    shape.decoder_layers = variant & 2 ? 6 : 1;
    Dropout dropout = {.rate = 0.2f, .image_rate = 0.2f, .seed = 5, .step = 9};
    Case c;
    case_init(&c, &shape, 4, GROUP, 6, LENGTHS);
    begin_alike(&c);
    slopes_check(&c, variant & 1 ? &dropout : NULL);
    case_free(&c);
  }
}

/* --- pictures of fewer cells ------------------------------------------------------------------------------------ */

static void cells_cut(Case *c, const int *cells) {
  const ModelShape *shape = &c->table.shape;
  for (int i = 0; i < c->batch.images; i++)
    for (int k = cells[i] * shape->features; k < shape->cells * shape->features; k++)
      c->features[i * shape->cells * shape->features + k] = 0;
}

static void fewer_cells_equal_finite_differences(void **state) {
  (void)state;
  for (int variant = 0; variant < 4; variant++) {
    ModelShape shape = SMALL;
    shape.norm = variant & 1 ? NORM_PRE : NORM_POST;
    shape.encoder_layers = variant & 2 ? 2 : 0;
    Dropout dropout = {.rate = 0.3f, .image_rate = 0.2f, .seed = 5, .step = 9};
    Case c;
    case_init(&c, &shape, 4, GROUP, 6, LENGTHS);
    cells_cut(&c, (int[]){4, 9, 1, 7});
    slopes_check(&c, variant & 1 ? &dropout : NULL);
    case_free(&c);
  }
}

/* No weight depends on N: padding to 9 cells changes nothing that a model of 4 cells says and learns. */
static void padding_is_not_seen(void **state) {
  (void)state;
  for (int layers = 0; layers < 3; layers++) {
    ModelShape shape = SMALL, small = SMALL;
    shape.encoder_layers = small.encoder_layers = layers;
    small.cells = 4;
    Case wide, narrow;
    case_init(&wide, &shape, 4, GROUP, 6, LENGTHS);
    case_init(&narrow, &small, 4, GROUP, 6, LENGTHS);
    cells_cut(&wide, (int[]){4, 4, 4, 4});
    for (int i = 0; i < 4; i++)
      memcpy(narrow.features + i * 4 * shape.features, wide.features + i * 9 * shape.features,
             (size_t)(4 * shape.features) * sizeof(float));
    double loss = case_loss(&wide, NULL), want = case_loss(&narrow, NULL);
    assert_true(fabs(loss - want) <= 1e-5 * fabs(want));
    for (int t = 0; t < wide.batch.tokens; t++) assert_true(fabsf(wide.logp[t] - narrow.logp[t]) <= 1e-5f);
    case_backward(&wide);
    case_backward(&narrow);
    for (size_t i = 0; i < wide.table.total; i++)
      assert_true(fabsf(wide.gradients[i] - narrow.gradients[i]) <= 2e-5f * (1 + fabsf(narrow.gradients[i])));
    case_free(&wide), case_free(&narrow);
  }
}

/* --- packing, dropout, threads, NaN ----------------------------------------------------------------------------- */

static void packed_equals_alone(void **state) {
  (void)state;
  ModelShape shape = SMALL;
  shape.encoder_layers = 1;
  Case all, one;
  case_init(&all, &shape, 4, GROUP, 6, LENGTHS);
  begin_alike(&all);
  case_loss(&all, NULL);
  assert_int_equal(captioner_rows(&all.captioner), all.batch.tokens - ALIKE);
  case_backward(&all);
  case_init(&one, &shape, 4, GROUP, 6, LENGTHS); /* its gradients add up over the captions */
  for (int i = 0; i < 6; i++) {
    int32_t image_start[2] = {0, 1}, caption_start[2] = {0, LENGTHS[i]};
    int begin = all.caption_start[i];
    CaptionBatch batch = {.images = 1,
                          .captions = 1,
                          .tokens = LENGTHS[i],
                          .features = all.features + GROUP[i] * shape.cells * shape.features,
                          .image_start = image_start,
                          .caption_start = caption_start,
                          .input = all.input + begin,
                          .target = all.target + begin};
    float logp[16], entropy[16];
    TokenOutputs outputs = {logp, entropy, NULL};
    captioner_forward(&one.captioner, one.weights, &batch, 1, NULL, &outputs);
    for (int t = 0; t < LENGTHS[i]; t++) {
      assert_true(fabsf(logp[t] - all.logp[begin + t]) <= 2e-5f);
      assert_true(fabsf(entropy[t] - all.entropy[begin + t]) <= 2e-5f);
    }
    TokenGradients gradients = {all.k[0] + begin, all.k[1] + begin, all.k[2] + begin};
    captioner_backward(&one.captioner, one.weights, &batch, &gradients, one.gradients);
  }
  for (int r = 0; r < all.table.count; r++) {
    const Param *row = &all.table.rows[r];
    float largest = 0;
    for (size_t i = 0; i < row->count; i++) largest = fmaxf(largest, fabsf(all.gradients[row->offset + i]));
    for (size_t i = 0; i < row->count; i++) {
      size_t at = row->offset + i;
      assert_true(fabsf(all.gradients[at] - one.gradients[at]) <= 3e-5f * largest + 1e-6f);
    }
  }
  case_free(&all), case_free(&one);
}

static void forward_only_equals(void **state) {
  (void)state;
  for (int variant = 0; variant < 4; variant++) {
    ModelShape shape = SMALL;
    shape.norm = variant & 1 ? NORM_PRE : NORM_POST;
    shape.encoder_layers = shape.decoder_layers = variant & 2 ? 2 : 1;
    Case c;
    case_init(&c, &shape, 4, GROUP, 6, LENGTHS);
    begin_alike(&c);
    case_loss(&c, NULL);
    float logp[512];
    Captioner lean;
    captioner_init(&lean, &c.table, 5, 7, 60, 0);
    TokenOutputs outputs = {.logp = logp};
    captioner_forward(&lean, c.weights, &c.batch, 1, NULL, &outputs);
    assert_memory_equal(logp, c.logp, (size_t)c.batch.tokens * sizeof(float));
    assert_true(lean.arena.size < c.captioner.arena.size);
    captioner_free(&lean);
    case_free(&c);
  }
}

static void dropout_is_keyed(void **state) {
  (void)state;
  Case c;
  case_init(&c, &SMALL, 4, GROUP, 6, LENGTHS);
  Dropout none = {.rate = 0, .seed = 1}, some = {.rate = 0.1f, .seed = 1, .step = 2}, other = some, later = some;
  other.seed = 2, later.step = 3;
  double plain = case_loss(&c, NULL), dropped = case_loss(&c, &some);
  assert_true(plain == case_loss(&c, &none));
  assert_true(isfinite(dropped) && dropped != plain);
  assert_true(dropped == case_loss(&c, &some));
  assert_true(dropped != case_loss(&c, &other));
  assert_true(dropped != case_loss(&c, &later));
  case_free(&c);
}

static void threads_change_no_bit(void **state) {
  (void)state;
  ModelShape shape = {.vocabulary = 700,
                      .width = 160,
                      .heads = 4,
                      .feed_forward = 300,
                      .encoder_layers = 1,
                      .decoder_layers = 2,
                      .cells = 150,
                      .features = 30,
                      .positions = 12,
                      .norm = NORM_PRE,
                      .activation = ACTIVATION_GELU};
  int group[32], lengths[32], before = omp_get_max_threads();
  for (int i = 0; i < 32; i++) group[i] = i / 8, lengths[i] = 4 + i * 5 % 9;
  Dropout dropout = {.rate = 0.1f, .seed = 3};
  Case first, c;
  for (int run = 0; run < 6; run++) {
    int threads = run % 3 + 1;
    omp_set_num_threads(threads);
    case_init(&c, &shape, 4, group, 32, lengths);
    for (int i = 0; i < 32; i++) c.input[c.caption_start[i]] = 1;
    double loss = case_loss(&c, run < 3 ? &dropout : NULL);
    assert_true(isfinite(loss));
    case_backward(&c);
    if (threads == 1) {
      first = c;
      continue;
    }
    assert_memory_equal(c.logp, first.logp, sizeof c.logp);
    assert_memory_equal(c.entropy, first.entropy, sizeof c.entropy);
    assert_memory_equal(c.gradients, first.gradients, c.table.total * sizeof(float));
    case_free(&c);
    if (threads == 3) case_free(&first);
  }
  omp_set_num_threads(before);
}

static void nan_shows(void **state) {
  (void)state;
  const char *names[] = {"image.bias", "decoder.0.self.qkv.weight", "decoder.0.ff.up.weight",
                         "decoder.0.cross.norm.weight", "output.bias"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    Case c;
    case_init(&c, &SMALL, 4, GROUP, 6, LENGTHS);
    c.weights[c.table.rows[params_find(&c.table, names[i])].offset] = NAN;
    assert_true(isnan(case_loss(&c, NULL)));
    case_free(&c);
  }
}

static void counts_operations(void **state) {
  (void)state;
  ModelShape shape = {.vocabulary = 2538,
                      .width = 512,
                      .heads = 8,
                      .feed_forward = 2048,
                      .decoder_layers = 1,
                      .cells = 49,
                      .features = 1280,
                      .positions = 25};
  double per_token = 2.0 * (14 * 512.0 * 512 + 512.0 * 2538 + 2 * 49 * 512.0 + 12 * 512.0);
  double per_cell = 2.0 * (512.0 * 1280 + 2 * 512.0 * 512);
  double want = 160 * 11 * per_token + 32 * 49 * per_cell;
  assert_true(fabs(captioner_flops(&shape, 32, 160, 1760, 1760) - want) <= 1e-9 * want);
}

static void attention_is_a_distribution(void **state) {
  (void)state;
  ModelShape shape = {.vocabulary = 11,
                      .width = 8,
                      .heads = 2,
                      .feed_forward = 12,
                      .decoder_layers = 2,
                      .cells = 4,
                      .features = 5,
                      .positions = 6};
  const int group[] = {0, 0, 1}, lengths[] = {3, 2, 4};
  static float attention[9 * 4];
  Case c;
  case_init(&c, &shape, 2, group, 3, lengths);
  memset(c.features + 3 * 5, 0, 5 * sizeof *c.features); /* the first picture has three cells */
  case_loss(&c, NULL);
  captioner_attention(&c.captioner, attention);
  for (int t = 0; t < 9; t++) {
    float sum = 0;
    for (int k = 0; k < 4; k++) sum += attention[4 * t + k];
    assert_true(fabsf(sum - 1) < 1e-5f);
    assert_true(t < 5 ? attention[4 * t + 3] == 0 : attention[4 * t + 3] > 0);
  }
  assert_true(attention[0] != attention[4]); /* each token looks for itself */
  case_free(&c);
}

int main(void) {
  omp_set_num_threads(1); /* tiny shapes: a team would only wait for itself */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equals_pytorch),
      cmocka_unit_test(equals_finite_differences),
      cmocka_unit_test(packed_equals_alone),
      cmocka_unit_test(forward_only_equals),
      cmocka_unit_test(dropout_is_keyed),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(nan_shows),
      cmocka_unit_test(counts_operations),
      cmocka_unit_test(deep_equals_finite_differences),
      cmocka_unit_test(fewer_cells_equal_finite_differences),
      cmocka_unit_test(padding_is_not_seen),
      cmocka_unit_test(attention_is_a_distribution),
  };
  return cmocka_run_group_tests_name("captioner", tests, NULL, NULL);
}
