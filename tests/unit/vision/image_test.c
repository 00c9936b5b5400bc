/* Decoding: pictures made here by turbojpeg and spng, whole and damaged; EXIF; resize. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above first
#include <cmocka.h>
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/vision/image.h"

typedef struct Bytes {
  uint8_t *data; /* owned, malloc */
  size_t size;
} Bytes;

enum { WIDTH = 64, HEIGHT = 48 };

/* A smooth picture: left to right red, top to bottom green, blue constant. */
static void picture_draw(uint8_t *pixels, int channels) {
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++) {
      uint8_t values[4] = {(uint8_t)(x * 4), (uint8_t)(y * 5), 90, (uint8_t)(x * 2 + 20)};
      memcpy(pixels + channels * (y * WIDTH + x), values, (size_t)channels);
    }
  }
}

static Bytes jpeg_make(const uint8_t *pixels, int format, int subsampling, int flags) {
  tjhandle handle = tjInitCompress();
  unsigned char *data = NULL;
  unsigned long size = 0;
  assert_int_equal(tjCompress2(handle, pixels, WIDTH, 0, HEIGHT, format, &data, &size, subsampling, 95, flags), 0);
  Bytes bytes = {malloc(size), size};
  memcpy(bytes.data, data, size);
  tjFree(data);
  tjDestroy(handle);
  return bytes;
}

static Bytes jpeg_rgb(void) {
  uint8_t pixels[WIDTH * HEIGHT * 3];
  picture_draw(pixels, 3);
  return jpeg_make(pixels, TJPF_RGB, TJSAMP_444, 0);
}

static Bytes png_make(int width, int height, int colour_type, int depth, const void *pixels, size_t pixel_bytes,
                      const struct spng_plte *palette) {
  spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
  struct spng_ihdr header = {.width = (uint32_t)width,
                             .height = (uint32_t)height,
                             .color_type = (uint8_t)colour_type,
                             .bit_depth = (uint8_t)depth};
  spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
  assert_int_equal(spng_set_ihdr(context, &header), 0);
  struct spng_plte copy;
  if (palette) {
    copy = *palette;
    assert_int_equal(spng_set_plte(context, &copy), 0);
  }
  assert_int_equal(spng_encode_image(context, pixels, pixel_bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  int error = 0;
  Bytes bytes;
  bytes.data = spng_get_png_buffer(context, &bytes.size, &error);
  assert_int_equal(error, 0);
  spng_ctx_free(context);
  return bytes;
}

static void expect_near(const Image *image, int x, int y, int r, int g, int b, int tolerance) {
  const uint8_t *pixel = image->rgb + 3 * (y * image->width + x);
  int wanted[3] = {r, g, b};
  for (int c = 0; c < 3; c++) assert_in_range(pixel[c] + 256, wanted[c] - tolerance + 256, wanted[c] + tolerance + 256);
}

static void expect_error(const void *data, size_t size, const char *fault) {
  Image image = {0};
  assert_int_equal(image_decode(&image, "pic.jpg", data, size, 0), BAD_INPUT);
  assert_non_null(strstr(status_message(), "pic.jpg: "));
  if (!strstr(status_message(), fault)) fail_msg("message \"%s\" lacks \"%s\"", status_message(), fault);
  image_free(&image);
}

static void jpeg_colour_is_read(void **state) {
  (void)state;
  Bytes bytes = jpeg_rgb();
  Image image = {0};
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  assert_int_equal(image.width, WIDTH);
  assert_int_equal(image.height, HEIGHT);
  expect_near(&image, 10, 20, 40, 100, 90, 6);
  expect_near(&image, 60, 5, 240, 25, 90, 6);
  image_free(&image);
  image_free(&image);
  free(bytes.data);
}

static void jpeg_grey_is_read(void **state) {
  (void)state;
  uint8_t pixels[WIDTH * HEIGHT];
  picture_draw(pixels, 1);
  Bytes bytes = jpeg_make(pixels, TJPF_GRAY, TJSAMP_GRAY, 0);
  Image image = {0};
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 10, 20, 40, 40, 40, 4);
  image_free(&image);
  free(bytes.data);
}

/* turbojpeg writes CMYK as YCCK with an Adobe segment, whose inks are stored inverted. */
static void jpeg_cmyk_is_read(void **state) {
  (void)state;
  uint8_t pixels[WIDTH * HEIGHT * 4];
  picture_draw(pixels, 4);
  Bytes bytes = jpeg_make(pixels, TJPF_CMYK, TJSAMP_444, 0);
  Image image = {0};
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  int light = 40; /* at x = 10: 10 * 2 + 20 */
  expect_near(&image, 10, 20, 40 * light / 255, 100 * light / 255, 90 * light / 255, 4);
  image_free(&image);
  free(bytes.data);
}

static void jpeg_large_is_reduced(void **state) {
  (void)state;
  Bytes bytes = jpeg_rgb();
  Image image = {0};
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 12), OK); /* 48 / 2 >= 2 * 12 */
  assert_int_equal(image.width, WIDTH / 2);
  assert_int_equal(image.height, HEIGHT / 2);
  expect_near(&image, 5, 10, 42, 102, 90, 8);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 13), OK);
  assert_int_equal(image.width, WIDTH);
  image_free(&image);
  free(bytes.data);
}

static void jpeg_truncated_is_named(void **state) {
  (void)state;
  for (int progressive = 0; progressive < 2; progressive++) {
    uint8_t pixels[WIDTH * HEIGHT * 3];
    picture_draw(pixels, 3);
    Bytes bytes = jpeg_make(pixels, TJPF_RGB, TJSAMP_420, progressive ? TJFLAG_PROGRESSIVE : 0);
    for (size_t size = 3; size < bytes.size; size++) expect_error(bytes.data, size, "JPEG");
    expect_error(bytes.data, bytes.size - 2, "truncated");
    free(bytes.data);
  }
}

static void jpeg_with_damage_never_crashes(void **state) {
  (void)state;
  Bytes bytes = jpeg_rgb();
  Image image = {0};
  int refused = 0;
  for (size_t i = 2; i < bytes.size; i++) {
    bytes.data[i] ^= 0x5A;
    refused += image_decode(&image, "a", bytes.data, bytes.size, 0) != OK;
    bytes.data[i] ^= 0x5A;
  }
  assert_true(refused > 100);
  image_free(&image);
  free(bytes.data);
}

static void junk_is_named(void **state) {
  (void)state;
  expect_error("", 0, "empty");
  expect_error("GIF89a..............", 20, "neither");
  expect_error("\xFF\xD8\xFF\xE0", 4, "truncated");
  expect_error("\x89PNG\r\n\x1A\n", 8, "PNG");
  uint8_t huge[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0, 0xFF, 0xD9};
  expect_error(huge, sizeof huge, "JPEG");
}

static void absurd_png_is_refused(void **state) {
  (void)state;
  uint8_t pixels[3] = {1, 2, 3};
  Bytes bytes = png_make(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels, 3, NULL);
  bytes.data[16] = 0x7F; /* width: its CRC does not fit then, nor would the size */
  expect_error(bytes.data, bytes.size, "PNG");
  free(bytes.data);
}

static void png_types_are_read(void **state) {
  (void)state;
  Image image = {0};
  uint8_t rgb[6] = {10, 20, 30, 200, 100, 50};
  Bytes bytes = png_make(2, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, rgb, 6, NULL);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 1, 0, 200, 100, 50, 0);
  for (size_t size = 8; size < bytes.size - 4; size++) expect_error(bytes.data, size, "PNG"); /* but IEND's CRC */
  free(bytes.data);

  uint8_t rgba[8] = {10, 20, 30, 0, 200, 100, 50, 128};
  bytes = png_make(2, 1, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, rgba, 8, NULL);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 0, 0, 255, 255, 255, 0);
  expect_near(&image, 1, 0, 227, 177, 152, 1);
  free(bytes.data);

  uint8_t bits = 0x40; /* pixels 0, 1 of one bit */
  bytes = png_make(2, 1, SPNG_COLOR_TYPE_GRAYSCALE, 1, &bits, 1, NULL);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 0, 0, 0, 0, 0, 0);
  expect_near(&image, 1, 0, 255, 255, 255, 0);
  free(bytes.data);

  struct spng_plte palette = {.n_entries = 2, .entries = {{1, 2, 3, 0}, {200, 100, 50, 0}}};
  uint8_t indices[2] = {1, 0};
  bytes = png_make(2, 1, SPNG_COLOR_TYPE_INDEXED, 8, indices, 2, &palette);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 0, 0, 200, 100, 50, 0);
  expect_near(&image, 1, 0, 1, 2, 3, 0);
  free(bytes.data);

  uint16_t deep[4] = {0x8000, 0x1000, 0xFFFF, 0x8000}; /* grey + alpha of 16 bits, host order (spng swaps) */
  bytes = png_make(2, 1, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 16, deep, 8, NULL);
  assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
  expect_near(&image, 1, 0, 255, 255, 255, 0);
  expect_near(&image, 0, 0, 247, 247, 247, 1);
  free(bytes.data);
  image_free(&image);
}

/* SOI, then an EXIF segment with one entry, then the rest of the JPEG. */
static Bytes with_orientation(Bytes jpeg, int orientation) {
  uint8_t exif[] = {0xFF, 0xE1, 0, 34, 'E', 'x',  'i',  'f', 0, 0, 'M', 'M', 0, 42, 0,
                    0,    0,    8, 0,  1,   0x01, 0x12, 0,   3, 0, 0,   0,   1, 0,  (uint8_t)orientation,
                    0,    0,    0, 0,  0,   0};
  Bytes bytes = {malloc(jpeg.size + sizeof exif), jpeg.size + sizeof exif};
  memcpy(bytes.data, jpeg.data, 2);
  memcpy(bytes.data + 2, exif, sizeof exif);
  memcpy(bytes.data + 2 + sizeof exif, jpeg.data + 2, jpeg.size - 2);
  return bytes;
}

static void exif_turns_the_picture(void **state) {
  (void)state;
  Bytes plain = jpeg_rgb();
  /* where the stored picture's top left pixel and top right pixel are shown (TIFF 6.0: row 0 and column 0 lie ...) */
  static const struct {
    int right, bottom, swap, right_of_topright, bottom_of_topright;
  } shown[9] = {{0},
                {0, 0, 0, 1, 0},
                {1, 0, 0, 0, 0},
                {1, 1, 0, 0, 1},
                {0, 1, 0, 1, 1},
                {0, 0, 1, 0, 1},
                {1, 0, 1, 1, 1},
                {1, 1, 1, 1, 0},
                {0, 1, 1, 0, 0}};
  for (int orientation = 1; orientation <= 8; orientation++) {
    Bytes bytes = with_orientation(plain, orientation);
    Image image = {0};
    assert_int_equal(image_decode(&image, "a", bytes.data, bytes.size, 0), OK);
    assert_int_equal(image.width, shown[orientation].swap ? HEIGHT : WIDTH);
    int right = image.width - 1, bottom = image.height - 1;
    expect_near(&image, shown[orientation].right * right, shown[orientation].bottom * bottom, 0, 0, 90, 12);
    expect_near(&image, shown[orientation].right_of_topright * right, shown[orientation].bottom_of_topright * bottom,
                252, 0, 90, 12);
    image_free(&image);
    free(bytes.data);
  }
  free(plain.data);
}

static void files_are_named(void **state) {
  (void)state;
  Image image = {0};
  assert_int_equal(image_read(&image, "/nonexistent/x.jpg", 0), BAD_INPUT);
  assert_non_null(strstr(status_message(), "/nonexistent/x.jpg"));
}

/* The first rows of Pillow's answer for a 5x4 picture by formula; make_resize_golden.py prints them. */
static void resize_equals_pillow(void **state) {
  (void)state;
#include "tests/golden/vision/resize_golden.h"
  Image image = {0};
  ResizeWork *work = resize_work_new();
  for (size_t i = 0; i < sizeof resize_golden / sizeof *resize_golden; i++) {
    int in_width = resize_golden[i].in_width, in_height = resize_golden[i].in_height;
    int width = resize_golden[i].width, height = resize_golden[i].height;
    image.rgb = malloc((size_t)in_width * in_height * 3 + 16);
    image.width = in_width;
    image.height = in_height;
    for (int j = 0; j < in_width * in_height * 3; j++) image.rgb[j] = (uint8_t)((j * 37 + j * j % 101) % 256);
    uint8_t out[64 * 3];
    image_resize(&image, width, height, out, work);
    assert_memory_equal(out, resize_golden[i].rgb, (size_t)width * height * 3);
    image_free(&image);
  }
  resize_work_free(work);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jpeg_colour_is_read),     cmocka_unit_test(jpeg_grey_is_read),
      cmocka_unit_test(jpeg_cmyk_is_read),       cmocka_unit_test(jpeg_large_is_reduced),
      cmocka_unit_test(jpeg_truncated_is_named), cmocka_unit_test(jpeg_with_damage_never_crashes),
      cmocka_unit_test(junk_is_named),           cmocka_unit_test(absurd_png_is_refused),
      cmocka_unit_test(png_types_are_read),      cmocka_unit_test(exif_turns_the_picture),
      cmocka_unit_test(files_are_named),         cmocka_unit_test(resize_equals_pillow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
