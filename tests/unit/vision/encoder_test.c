/* Encoders: the table, patches by hand, EfficientNet-Lite0 against PyTorch with weights by formula (always) and with
 * the ImageNet weights (skipped where they were not fetched), from pixels and from real JPEG files on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above first
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/vision/encoder.h"
#include "tests/golden/vision/encoder_golden.h"
#include "tests/unit/vision/formula.h"

enum { SIDE = 224, CELLS = 49, FEATURES = 1280, KEPT = FEATURES / GOLDEN_STEP };
enum { TENSORS = sizeof golden_tensors / sizeof *golden_tensors };
static char weights_path[64]; /* weights by formula, written once */

/* --- the formulas of make_encoder_golden.py --------------------------------------------------------------------- */

static size_t tensor_count(int t) {
  size_t count = 1;
  for (int i = 0; i < golden_tensors[t].rank; i++) count *= (size_t)golden_tensors[t].shape[i];
  return count;
}

static void formula_tensor(int t, float *out) {
  const char *name = golden_tensors[t].name;
  const int *shape = golden_tensors[t].shape;
  for (size_t i = 0; i < tensor_count(t); i++) {
    float u = formula_uniform(name_hash(name), (uint32_t)i);
    if (golden_tensors[t].rank == 4) out[i] = u * (float)sqrt(6.0 / (shape[1] * shape[2] * shape[3]));
    else if (ends_with(name, "running_var")) out[i] = 1 + u / 2;
    else out[i] = ends_with(name, ".weight") ? 1 + u / 4 : u / 4;
  }
}

/* Writes safetensors of the golden's tensors by formula, without tensor `leave_out` (-1: all). */
static void formula_weights_write(const char *path, int leave_out) {
  size_t values = 0, used = 0, at = 0;
  for (int t = 0; t < TENSORS; t++) values += tensor_count(t);
  char *header = malloc(200 * TENSORS);
  float *data = malloc(values * sizeof *data);
  header[used++] = '{';
  for (int t = 0; t < TENSORS; t++) {
    if (t == leave_out) continue;
    const int *s = golden_tensors[t].shape;
    char shape[64];
    if (golden_tensors[t].rank == 4) snprintf(shape, sizeof shape, "%d,%d,%d,%d", s[0], s[1], s[2], s[3]);
    else snprintf(shape, sizeof shape, "%d", s[0]);
    used += (size_t)sprintf(header + used, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                            used > 1 ? "," : "", golden_tensors[t].name, shape, at * 4, (at + tensor_count(t)) * 4);
    formula_tensor(t, data + at);
    at += tensor_count(t);
  }
  header[used++] = '}';
  uint64_t length = used;
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fwrite(&length, sizeof length, 1, file);
  fwrite(header, 1, used, file);
  fwrite(data, sizeof *data, at, file);
  assert_int_equal(fclose(file), 0);
  free(header);
  free(data);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void expect_grid(const float *grid, const double *golden, double tolerance) {
  double worst = 0;
  for (int cell = 0; cell < CELLS; cell++) {
    for (int k = 0; k < KEPT; k++) {
      double difference = fabs((double)grid[cell * FEATURES + k * GOLDEN_STEP] - golden[cell * KEPT + k]);
      if (!(difference <= tolerance)) fail_msg("cell %d feature %d: off by %g", cell, k * GOLDEN_STEP, difference);
      if (difference > worst) worst = difference;
    }
  }
  print_message("largest difference %.2g\n", worst);
}

/* The ImageNet weights, or NULL: then the test says so and is skipped (a failure under TROUPE_REQUIRE_DATA=1). */
static Encoder *imagenet_open(void) {
  char *path = NULL;
  Encoder *encoder = NULL;
  const char *required = getenv("TROUPE_REQUIRE_DATA");
  if (encoder_find_weights("efficientnet-lite0", "", NULL, &path) == OK)
    assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", path), OK);
  else if (required && strcmp(required, "1") == 0) fail_msg("%s", status_message());
  else print_message("SKIPPED: %s\n", status_message());
  free(path);
  return encoder;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void table_is_consistent(void **state) {
  (void)state;
  Encoder *encoder;
  assert_string_equal(encoder_known(0), "patches");
  assert_string_equal(encoder_known(1), "efficientnet-lite0");
  int known = 0;
  for (; encoder_known(known); known++) assert_true(known == 0 || encoder_needs_weights(encoder_known(known)));
  assert_int_equal(known, 8);
  assert_true(encoder_exists("patches"));
  assert_false(encoder_exists("imported"));
  assert_false(encoder_needs_weights("patches"));
  assert_true(encoder_needs_weights("efficientnet-lite0"));
  assert_int_equal(encoder_open(&encoder, "vgg", NULL), BAD_INPUT);
  assert_non_null(strstr(status_message(), "patches, efficientnet-lite0"));
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", NULL), BAD_INPUT);
  assert_non_null(strstr(status_message(), "needs weights"));
  assert_int_equal(encoder_open(&encoder, "patches", "x.safetensors"), BAD_INPUT);
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", "/nonexistent.safetensors"), BAD_INPUT);
  assert_non_null(strstr(status_message(), "/nonexistent.safetensors"));
  assert_null(encoder);
}

static void patches_hold_pixels_and_places(void **state) {
  (void)state;
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "patches", NULL), OK);
  assert_string_equal(encoder_weights_hash(encoder), "");
  int side = encoder_size(encoder), features = encoder_features(encoder), cells = encoder_cells(encoder);
  assert_int_equal(cells, 49);
  uint8_t *rgb = calloc(1, (size_t)side * side * 3);
  float *grid = malloc(sizeof(float) * (size_t)cells * features);
  uint8_t red[3] = {255, 0, 0};
  memcpy(rgb + 3 * (9 * side + 18), red, 3); /* row 9, column 18: cell (1, 2), pixel (1, 2) in it */
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  encoder_encode_rgb(encoder, scratch, rgb, grid);
  const float *cell = grid + (size_t)(1 * 7 + 2) * features;
  assert_true(cell[(1 * 8 + 2) * 3] == 1);
  assert_true(cell[(1 * 8 + 2) * 3 + 1] == -1);
  assert_true(cell[0] == -1);
  assert_true(fabsf(cell[192 + 18] - 1.0f / 64) <= 1e-7f); /* colour bin (2, 0, 0) */
  assert_true(fabsf(cell[192] - 63.0f / 64) <= 1e-6f);
  const float *place = cell + features - 14;
  for (int i = 0; i < 14; i++) assert_true(place[i] == (i == 2 || i == 7 + 1 ? 1.0f : 0.0f));
  encoder_scratch_free(scratch);
  encoder_close(encoder);
  free(rgb);
  free(grid);
}

static void network_equals_pytorch(void **state) {
  (void)state;
  static uint8_t rgb[SIDE * SIDE * 3];
  static float grid[CELLS * FEATURES];
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", weights_path), OK);
  assert_int_equal(encoder_cells(encoder), CELLS);
  assert_int_equal(encoder_features(encoder), FEATURES);
  assert_int_equal(strlen(encoder_weights_hash(encoder)), HASH_TEXT - 1);
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  formula_picture(SIDE, 0, rgb);
  for (int again = 0; again < 2; again++) { /* scratch carries nothing over */
    encoder_encode_rgb(encoder, scratch, rgb, grid);
    expect_grid(grid, golden_formula[0], 1e-3);
  }
  encoder_scratch_free(scratch);
  encoder_close(encoder);
}

static void threads_share_an_encoder(void **state) {
  (void)state;
  enum { PICTURES = 4 };
  static uint8_t rgb[PICTURES][SIDE * SIDE * 3];
  static float alone[PICTURES][CELLS * FEATURES], shared[PICTURES][CELLS * FEATURES];
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", weights_path), OK);
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  for (int i = 0; i < PICTURES; i++) {
    formula_picture(SIDE, i, rgb[i]);
    encoder_encode_rgb(encoder, scratch, rgb[i], alone[i]);
  }
  encoder_scratch_free(scratch);
#pragma omp parallel num_threads(2)
  {
    EncoderScratch *own = encoder_scratch_new(encoder);
#pragma omp for schedule(static, 1)
    for (int i = 0; i < PICTURES; i++) encoder_encode_rgb(encoder, own, rgb[i], shared[i]);
    encoder_scratch_free(own);
  }
  assert_memory_equal(alone, shared, sizeof alone);
  encoder_close(encoder);
}

static void wrong_weights_are_named(void **state) {
  (void)state;
  char path[] = "/tmp/troupe_weights_XXXXXX";
  close(mkstemp(path));
  Encoder *encoder;
  for (int t = 0; t < TENSORS; t += 37) {
    formula_weights_write(path, t);
    assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", path), BAD_INPUT);
    assert_non_null(strstr(status_message(), golden_tensors[t].name));
    assert_non_null(strstr(status_message(), path));
    assert_null(encoder);
  }
  unlink(path);
}

static void weights_are_found_by_hash(void **state) {
  (void)state;
  char folder[] = "/tmp/troupe_encoders_XXXXXX";
  assert_non_null(mkdtemp(folder));
  char *path = path_join(folder, "efficientnet-lite0.safetensors"), *found;
  formula_weights_write(path, -1);
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", path), OK);
  const char *hash = encoder_weights_hash(encoder);
  assert_int_equal(encoder_find_weights("efficientnet-lite0", hash, folder, &found), OK);
  free(found);
  assert_int_equal(encoder_find_weights("efficientnet-lite0", "00000000000000000000000000000000", folder, &found),
                   BAD_INPUT);
  assert_non_null(strstr(status_message(), "fetch-encoder"));
  assert_non_null(strstr(status_message(), hash));
  encoder_close(encoder);
  unlink(path);
  rmdir(folder);
  free(path);
}

static void jpeg_file_equals_its_pixels(void **state) {
  (void)state;
  static uint8_t rgb[SIDE * SIDE * 3];
  static float from_bytes[CELLS * FEATURES], from_pixels[CELLS * FEATURES];
  formula_picture(SIDE, 1, rgb);
  unsigned char *jpeg = NULL;
  unsigned long size = 0;
  tjhandle handle = tjInitCompress();
  assert_int_equal(tjCompress2(handle, rgb, SIDE, 0, SIDE, TJPF_RGB, &jpeg, &size, TJSAMP_444, 90, 0), 0);
  tjDestroy(handle);
  handle = tjInitDecompress();
  assert_int_equal(tjDecompress2(handle, jpeg, size, rgb, SIDE, 0, SIDE, TJPF_RGB, 0), 0);
  tjDestroy(handle);
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "efficientnet-lite0", weights_path), OK);
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  assert_int_equal(encoder_encode_bytes(encoder, scratch, "a.jpg", jpeg, size, from_bytes), OK);
  encoder_encode_rgb(encoder, scratch, rgb, from_pixels);
  assert_memory_equal(from_bytes, from_pixels, sizeof from_bytes);
  assert_int_equal(encoder_encode_bytes(encoder, scratch, "a.jpg", jpeg, size / 2, from_bytes), BAD_INPUT);
  assert_non_null(strstr(status_message(), "a.jpg"));
  encoder_scratch_free(scratch);
  encoder_close(encoder);
  tjFree(jpeg);
}

static void imagenet_weights_equal_pytorch(void **state) {
  (void)state;
  static uint8_t rgb[SIDE * SIDE * 3];
  static float grid[CELLS * FEATURES];
  Encoder *encoder = imagenet_open();
  if (!encoder) skip();
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  for (int i = 0; i < 2; i++) {
    formula_picture(SIDE, i + 1, rgb);
    encoder_encode_rgb(encoder, scratch, rgb, grid);
    expect_grid(grid, golden_imagenet[i], 1e-3);
  }
  encoder_scratch_free(scratch);
  encoder_close(encoder);
}

static void real_pictures_equal_pytorch(void **state) {
  (void)state;
  static float grid[CELLS * FEATURES];
  const char *data = getenv("TROUPE_DATA"), *required = getenv("TROUPE_REQUIRE_DATA");
  char folder[4096];
  snprintf(folder, sizeof folder, "%s/flickr8k/Images", data && *data ? data : "../shared/data");
  if (!folder_exists(folder)) {
    if (required && strcmp(required, "1") == 0) fail_msg("%s is not there: set TROUPE_DATA", folder);
    print_message("SKIPPED: %s is not there: set TROUPE_DATA\n", folder);
    skip();
  }
  Encoder *encoder = imagenet_open();
  if (!encoder) skip();
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  for (size_t i = 0; i < sizeof golden_files / sizeof *golden_files; i++) {
    char *path = path_join(folder, golden_files[i]);
    assert_int_equal(encoder_encode_file(encoder, scratch, path, grid), OK);
    double dot = 0, ours = 0, theirs = 0;
    for (int k = 0; k < CELLS * KEPT; k++) {
      double a = grid[k / KEPT * FEATURES + k % KEPT * GOLDEN_STEP], b = golden_real[i][k];
      dot += a * b, ours += a * a, theirs += b * b;
    }
    double cosine = dot / sqrt(ours * theirs);
    print_message("%s: cosine %.6f\n", golden_files[i], cosine);
    assert_true(cosine >= 0.999);
    free(path);
  }
  encoder_scratch_free(scratch);
  encoder_close(encoder);
}

static int weights_make(void **state) {
  (void)state;
  snprintf(weights_path, sizeof weights_path, "/tmp/troupe_formula_XXXXXX");
  close(mkstemp(weights_path));
  formula_weights_write(weights_path, -1);
  return 0;
}

static int weights_remove(void **state) {
  (void)state;
  return unlink(weights_path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(table_is_consistent),         cmocka_unit_test(patches_hold_pixels_and_places),
      cmocka_unit_test(network_equals_pytorch),      cmocka_unit_test(threads_share_an_encoder),
      cmocka_unit_test(wrong_weights_are_named),     cmocka_unit_test(weights_are_found_by_hash),
      cmocka_unit_test(jpeg_file_equals_its_pixels), cmocka_unit_test(imagenet_weights_equal_pytorch),
      cmocka_unit_test(real_pictures_equal_pytorch),
  };
  return cmocka_run_group_tests(tests, weights_make, weights_remove);
}
