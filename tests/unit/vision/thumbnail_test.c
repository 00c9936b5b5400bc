/* Thumbnails: reduced to the side asked for, never enlarged; what is no picture is refused. */
#include "common/vision/thumbnail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/vision/image.h"
#include "tests/unit/test_folder.h"

static char *picture_make(int width, int height) {
  uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);
  unsigned char *jpeg = NULL;
  unsigned long size = 0;
  tjhandle handle = tjInitCompress();
  assert_int_equal(tjCompress2(handle, rgb, width, 0, height, TJPF_RGB, &jpeg, &size, TJSAMP_444, 90, 0), 0);
  char *path = path_join(folder, "picture.jpg");
  assert_int_equal(file_write_atomic(path, jpeg, size), OK);
  tjFree(jpeg);
  tjDestroy(handle);
  free(rgb);
  return path;
}

static void check(int width, int height, int side, int wanted_width, int wanted_height) {
  unsigned char *bytes;
  size_t size;
  char *path = picture_make(width, height);
  assert_int_equal(thumbnail_make(path, side, &bytes, &size), OK);
  Image image = {0};
  assert_int_equal(image_decode(&image, "thumbnail", bytes, size, 0), OK);
  assert_int_equal(image.width, wanted_width);
  assert_int_equal(image.height, wanted_height);
  image_free(&image);
  unlink(path);
  free(path);
  free(bytes);
}

static void is_reduced(void **state) {
  (void)state;
  check(200, 100, 50, 50, 25);
  check(30, 90, 45, 15, 45);
  check(2000, 3, 100, 100, 1);
}

static void is_not_enlarged(void **state) {
  (void)state;
  check(20, 10, 50, 20, 10);
}

static void refuses_what_is_no_picture(void **state) {
  (void)state;
  unsigned char *bytes;
  size_t size;
  char *path = path_join(folder, "text.jpg");
  assert_int_equal(file_write_atomic(path, "text", 4), OK);
  assert_int_equal(thumbnail_make(path, 50, &bytes, &size), BAD_INPUT);
  unlink(path);
  free(path);
  assert_int_not_equal(thumbnail_make("/nowhere.jpg", 50, &bytes, &size), OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_reduced), cmocka_unit_test(is_not_enlarged),
                                     cmocka_unit_test(refuses_what_is_no_picture)};
  return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
