/* Image: tells formats apart, bounds dimensions, turns pictures as EXIF wants. */
#include "common/vision/image.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/vision/codec.h"

/* Readable bytes behind the last pixel, so that 4-byte loads of 3-byte pixels stay inside. */
enum { SLACK = 16 };

void image_free(Image *image) {
  free(image->rgb);
  *image = (Image){0};
}

Status image_reserve(Image *image, const char *name, long width, long height) {
  if (width < 1 || height < 1)
    return status_set(BAD_INPUT, "%s: picture of %ld x %ld pixels; at least 1 x 1 was expected", name, width, height);
  if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE || width * height > IMAGE_MAX_PIXELS)
    return status_set(BAD_INPUT, "%s: picture of %ld x %ld pixels; at most %d in all, and %d a side, were expected",
                      name, width, height, IMAGE_MAX_PIXELS, IMAGE_MAX_SIDE);
  size_t bytes = (size_t)width * height * 3 + SLACK;
  if (image->capacity < bytes) {
    free(image->rgb);
    image->rgb = xmalloc(bytes);
    image->capacity = bytes;
  }
  image->width = (int)width;
  image->height = (int)height;
  return OK;
}

/* EXIF orientations: bit 0 of (o-1) and the rest say which axes flip; from 5 on, rows and columns change places. */
static void image_turn(Image *image, int orientation) {
  int width = image->width, height = image->height;
  bool swap = orientation >= 5;
  bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  int out_width = swap ? height : width, out_height = swap ? width : height;
  uint8_t *turned = xmalloc(image->capacity);
  for (int y = 0; y < out_height; y++) {
    for (int x = 0; x < out_width; x++) {
      int from_x = swap ? y : x, from_y = swap ? x : y;
      if (flip_x) from_x = width - 1 - from_x;
      if (flip_y) from_y = height - 1 - from_y;
      memcpy(turned + 3 * ((size_t)y * out_width + x), image->rgb + 3 * ((size_t)from_y * width + from_x), 3);
    }
  }
  free(image->rgb);
  image->rgb = turned;
  image->width = out_width;
  image->height = out_height;
}

void image_mirror(Image *image) {
  for (int y = 0; y < image->height; y++) {
    uint8_t *left = image->rgb + 3 * (size_t)y * (size_t)image->width, *right = left + 3 * (image->width - 1);
    for (uint8_t pixel[3]; left < right; left += 3, right -= 3) {
      memcpy(pixel, left, 3);
      memcpy(left, right, 3);
      memcpy(right, pixel, 3);
    }
  }
}

Status image_decode(Image *image, const char *name, const void *bytes, size_t size, int target) {
  static const uint8_t png_magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  const uint8_t *data = bytes;
  int orientation = 1;
  if (size == 0) return status_set(BAD_INPUT, "%s: the file is empty; a JPEG or PNG picture was expected", name);
  if (size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF) {
    TRY(jpeg_decode(image, name, data, size, target, &orientation));
  } else if (size >= sizeof png_magic && memcmp(data, png_magic, sizeof png_magic) == 0) {
    TRY(png_decode(image, name, data, size, &orientation));
  } else {
    return status_set(BAD_INPUT, "%s: neither a JPEG nor a PNG picture, by its first bytes", name);
  }
  if (orientation > 1) image_turn(image, orientation);
  return OK;
}

Status image_read(Image *image, const char *path, int target) {
  char *bytes;
  size_t size;
  TRY(file_read(path, 0, &bytes, &size));
  Status status = image_decode(image, path, bytes, size, target);
  free(bytes);
  return status;
}
