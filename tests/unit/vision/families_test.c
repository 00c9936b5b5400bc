/* ResNet-50 and 101 at both sizes, EfficientNet-Lite1 and 2: against PyTorch (torchvision's models for ResNet) with weights by
 * formula, from a safetensors file of bfloat16 that the test writes under the field's names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above first
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/vision/encoder.h"
#include "tests/golden/vision/families_golden.h"
#include "tests/unit/vision/formula.h"

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) };
#else
enum { SANITIZED = 0 };
#endif
enum { MOST_TENSORS = 600 };

typedef struct Tensor {
  char name[64];
  int rank, shape[4];
  size_t count;
} Tensor;

typedef struct Tensors {
  Tensor tensor[MOST_TENSORS];
  int count;
  size_t values;
} Tensors;

static void tensor_add(Tensors *t, const char *name, int rank, int out, int in, int kernel) {
  assert_true(t->count < MOST_TENSORS);
  Tensor *tensor = &t->tensor[t->count++];
  *tensor = (Tensor){.rank = rank, .shape = {out, in, kernel, kernel}};
  snprintf(tensor->name, sizeof tensor->name, "%s", name);
  tensor->count = rank == 1 ? (size_t)out : (size_t)out * (size_t)in * (size_t)kernel * (size_t)kernel;
  t->values += tensor->count;
}

static void convolution_add(Tensors *t, const char *prefix, const char *convolution, const char *norm, int out, int in,
                            int kernel) {
  static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
  char name[64];
  snprintf(name, sizeof name, "%s%s.weight", prefix, convolution);
  tensor_add(t, name, 4, out, in, kernel);
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s.%s", prefix, norm, parts[i]);
    tensor_add(t, name, 1, out, 0, 0);
  }
}

static void resnet_add(Tensors *t, const int *blocks) {
  int in = 64;
  convolution_add(t, "", "conv1", "bn1", 64, 3, 7);
  for (int stage = 0; stage < 4; stage++) {
    int mid = 64 << stage, out = 4 * mid;
    for (int i = 0; i < blocks[stage]; i++, in = out) {
      char prefix[32];
      snprintf(prefix, sizeof prefix, "layer%d.%d.", stage + 1, i);
      convolution_add(t, prefix, "conv1", "bn1", mid, in, 1);
      convolution_add(t, prefix, "conv2", "bn2", mid, mid, 3);
      convolution_add(t, prefix, "conv3", "bn3", out, mid, 1);
      if (!i) convolution_add(t, prefix, "downsample.0", "downsample.1", out, in, 1);
    }
  }
}

static void lite_add(Tensors *t, const int *channels) {
  static const int repeats[] = {1, 3, 3, 4, 4, 5, 1}, kernels[] = {3, 3, 5, 3, 5, 5, 3};
  int in = 32;
  convolution_add(t, "", "conv_stem", "bn1", 32, 3, 3);
  for (int stage = 0; stage < 7; stage++) {
    for (int i = 0; i < repeats[stage]; i++, in = channels[stage]) {
      int mid = stage ? 6 * in : in;
      char prefix[32];
      snprintf(prefix, sizeof prefix, "blocks.%d.%d.", stage, i);
      if (stage) convolution_add(t, prefix, "conv_pw", "bn1", mid, in, 1);
      convolution_add(t, prefix, "conv_dw", stage ? "bn2" : "bn1", mid, 1, kernels[stage]);
      convolution_add(t, prefix, stage ? "conv_pwl" : "conv_pw", stage ? "bn3" : "bn2", channels[stage], mid, 1);
    }
  }
  convolution_add(t, "", "conv_head", "bn2", 1280, in, 1);
}

/* formula_tensor of make_families_golden.py: the upper halves of the floats. */
static void family_tensor(const Tensor *tensor, uint16_t *out) {
  uint32_t seed = name_hash(tensor->name), bits;
  const int *s = tensor->shape;
  float fan = tensor->rank == 4 ? (float)sqrt(6.0 / (s[1] * s[2] * s[3])) : 0;
  bool variance = ends_with(tensor->name, "running_var"), last = ends_with(tensor->name, "bn3.weight"),
       weight = ends_with(tensor->name, ".weight");
  for (size_t i = 0; i < tensor->count; i++) {
    float u = formula_uniform(seed, (uint32_t)i);
    u = tensor->rank == 4 ? u * fan : variance ? 1 + u / 2 : last ? (1 + u / 4) / 4 : weight ? 1 + u / 4 : u / 4;
    memcpy(&bits, &u, sizeof bits);
    out[i] = (uint16_t)(bits >> 16);
  }
}

static void weights_write(const char *path, const Tensors *t) {
  char *header = malloc(200 * MOST_TENSORS);
  uint16_t *data = malloc(t->values * sizeof *data);
  size_t used = 0, at = 0;
  header[used++] = '{';
  for (int i = 0; i < t->count; at += t->tensor[i++].count) {
    const Tensor *tensor = &t->tensor[i];
    const int *s = tensor->shape;
    char shape[64];
    snprintf(shape, sizeof shape, tensor->rank == 4 ? "%d,%d,%d,%d" : "%d", s[0], s[1], s[2], s[3]);
    used += (size_t)sprintf(header + used, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                            i ? "," : "", tensor->name, shape, 2 * at, 2 * (at + tensor->count));
    family_tensor(tensor, data + at);
  }
  header[used++] = '}';
  uint64_t length = used;
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(&length, sizeof length, 1, file);
  fwrite(header, 1, used, file);
  assert_int_equal(fwrite(data, sizeof *data, t->values, file), t->values);
  assert_int_equal(fclose(file), 0);
  free(header);
  free(data);
}

/* Largest difference (of the golden's largest value) and cosine. */
static void golden_check(const char *name, const char *weights, const double *golden) {
  Encoder *encoder;
  if (encoder_open(&encoder, name, weights) != OK) fail_msg("%s", status_message());
  int side = encoder_size(encoder), values = encoder_cells(encoder) * encoder_features(encoder);
  uint8_t *rgb = malloc((size_t)side * (size_t)side * 3);
  float *grid = malloc((size_t)values * sizeof *grid);
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  formula_picture(side, 3, rgb);
  if (side <= 224) encoder_encode_rgb(encoder, scratch, rgb, grid); /* twice: nothing may stay behind */
  double began = clock_seconds();
  encoder_encode_rgb(encoder, scratch, rgb, grid);
  double seconds = clock_seconds() - began;
  double worst = 0, largest = 0, ab = 0, aa = 0, bb = 0;
  for (int k = 0, step = values / GOLDEN_KEPT - 1; k < GOLDEN_KEPT; k++) {
    double a = (double)grid[k * step], b = golden[k];
    worst = fmax(worst, isfinite(a) ? fabs(a - b) : INFINITY);
    largest = fmax(largest, fabs(b));
    ab += a * b, aa += a * a, bb += b * b;
  }
  double cosine = ab / sqrt(aa * bb);
  print_message("%s: %d x %d, cosine %.9f, largest difference %.2g of %.3g; %.1f pictures/s\n", name,
                encoder_cells(encoder), encoder_features(encoder), cosine, worst, largest, 1 / seconds);
  assert_true(worst <= 1e-4 * largest);
  assert_true(cosine >= 0.9999999);
  encoder_scratch_free(scratch);
  encoder_close(encoder);
  free(grid);
  free(rgb);
}

static char path[64];

static void family_check(const Tensors *tensors, const char *small, const double *golden, const char *large,
                         const double *golden_large) {
  weights_write(path, tensors);
  golden_check(small, path, golden);
  if (large && SANITIZED) print_message("left out under a sanitizer, which takes minutes: %s\n", large);
  else if (large) golden_check(large, path, golden_large);
  Encoder *encoder;
  const char *other = small[0] == 'r' ? "efficientnet-lite1" : "resnet50";
  assert_int_equal(encoder_open(&encoder, other, path), BAD_INPUT);
  assert_non_null(strstr(status_message(), other));
}

static void resnet50_equals_pytorch(void **state) {
  (void)state;
  static Tensors tensors;
  resnet_add(&tensors, (int[]){3, 4, 6, 3});
  family_check(&tensors, "resnet50", golden_resnet50_224, "resnet50-448", golden_resnet50_448);
}

static void resnet101_equals_pytorch(void **state) {
  (void)state;
  static Tensors tensors;
  resnet_add(&tensors, (int[]){3, 4, 23, 3});
  family_check(&tensors, "resnet101", golden_resnet101_224, "resnet101-448", golden_resnet101_448);
}

static void lite_equals_pytorch(void **state) {
  (void)state;
  static Tensors one, two;
  lite_add(&one, (int[]){16, 24, 40, 80, 112, 192, 320});
  lite_add(&two, (int[]){16, 24, 48, 88, 120, 208, 352});
  family_check(&one, "efficientnet-lite1", golden_lite1, NULL, NULL);
  family_check(&two, "efficientnet-lite2", golden_lite2, NULL, NULL);
}

static int path_make(void **state) {
  (void)state;
  snprintf(path, sizeof path, "/tmp/families-test-%d.safetensors", (int)getpid());
  return 0;
}

static int path_remove(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resnet50_equals_pytorch),
      cmocka_unit_test(resnet101_equals_pytorch),
      cmocka_unit_test(lite_equals_pytorch),
  };
  return cmocka_run_group_tests_name("families", tests, path_make, path_remove);
}
