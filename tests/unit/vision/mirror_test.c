/* Mirrored pictures: pixels change places within their row, and an encoder that mirrors sees what it would see of a picture
 * that was mirrored before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <spng.h>

#include "common/vision/encoder.h"
#include "common/vision/image.h"

static void pixels_change_places(void **state) {
  (void)state;
  for (int width = 1; width <= 4; width++) {
    uint8_t rgb[2 * 4 * 3];
    for (int i = 0; i < 2 * width * 3; i++) rgb[i] = (uint8_t)(i + 1);
    Image image = {.rgb = malloc(sizeof rgb), .width = width, .height = 2, .capacity = sizeof rgb};
    memcpy(image.rgb, rgb, sizeof rgb);
    image_mirror(&image);
    for (int y = 0; y < 2; y++)
      for (int x = 0; x < width; x++)
        assert_memory_equal(image.rgb + 3 * (y * width + x), rgb + 3 * (y * width + width - 1 - x), 3);
    image_mirror(&image);
    assert_memory_equal(image.rgb, rgb, (size_t)(2 * width * 3));
    image_free(&image);
  }
}

static void *png_make(int side, const uint8_t *rgb, size_t *size) {
  spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
  struct spng_ihdr header = {
      .width = (uint32_t)side, .height = (uint32_t)side, .bit_depth = 8, .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
  int error = 0;
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  assert_int_equal(spng_set_ihdr(context, &header), 0);
  assert_int_equal(spng_encode_image(context, rgb, (size_t)side * (size_t)side * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE),
                   0);
  void *png = spng_get_png_buffer(context, size, &error);
  assert_int_equal(error, 0);
  spng_ctx_free(context);
  return png;
}

static void encoder_sees_the_mirrored_picture(void **state) {
  (void)state;
  Encoder *encoder;
  assert_int_equal(encoder_open(&encoder, "patches", NULL), OK);
  int side = encoder_size(encoder);
  size_t pixels = (size_t)side * (size_t)side, size;
  uint8_t *rgb = malloc(pixels * 3), *flipped = malloc(pixels * 3);
  for (size_t i = 0; i < pixels * 3; i++) rgb[i] = (uint8_t)(i * 2654435761u >> 24);
  for (int y = 0; y < side; y++)
    for (int x = 0; x < side; x++) memcpy(flipped + 3 * (y * side + x), rgb + 3 * (y * side + side - 1 - x), 3);
  size_t values = (size_t)encoder_cells(encoder) * (size_t)encoder_features(encoder);
  float *plain = malloc(values * sizeof(float)), *mirrored = malloc(values * sizeof(float)),
        *expected = malloc(values * sizeof(float));
  void *png = png_make(side, rgb, &size);
  EncoderScratch *scratch = encoder_scratch_new(encoder);
  encoder_encode_rgb(encoder, scratch, flipped, expected);
  assert_int_equal(encoder_encode_bytes(encoder, scratch, "a.png", png, size, plain), OK);
  assert_memory_not_equal(plain, expected, values * sizeof(float));
  encoder_scratch_mirror(scratch, true);
  assert_int_equal(encoder_encode_bytes(encoder, scratch, "a.png", png, size, mirrored), OK);
  assert_memory_equal(mirrored, expected, values * sizeof(float));
  encoder_scratch_mirror(scratch, false);
  assert_int_equal(encoder_encode_bytes(encoder, scratch, "a.png", png, size, mirrored), OK);
  assert_memory_equal(mirrored, plain, values * sizeof(float));
  encoder_scratch_free(scratch);
  encoder_close(encoder);
  free(png), free(rgb), free(flipped), free(plain), free(mirrored), free(expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pixels_change_places),
                                     cmocka_unit_test(encoder_sees_the_mirrored_picture)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
