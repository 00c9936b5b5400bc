/* JPEG by libjpeg-turbo. */
#include "common/vision/codec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

/* What the segments before the picture data say that turbojpeg does not pass on. */
typedef struct Segments {
  int orientation;
  bool adobe; /* an Adobe segment: CMYK is stored inverted */
} Segments;

static Segments segments_scan(const uint8_t *bytes, size_t size) {
  Segments found = {.orientation = 1};
  size_t at = 2; /* behind SOI */
  while (at + 4 <= size && bytes[at] == 0xFF) {
    unsigned marker = bytes[at + 1];
    if (marker == 0xFF) { /* fill byte */
      at++;
      continue;
    }
    size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
    const uint8_t *body = bytes + at + 4;
    if (marker == 0xDA || marker == 0xD9 || length < 2 || at + 2 + length > size) break;
    if (marker == 0xE1 && length >= 8 && memcmp(body, "Exif\0\0", 6) == 0)
      found.orientation = exif_orientation(body + 6, length - 8);
    if (marker == 0xEE && length >= 7 && memcmp(body, "Adobe", 5) == 0) found.adobe = true;
    at += 2 + length;
  }
  return found;
}

/* The largest reduction among 1/2, 1/4, 1/8 (those with SIMD code) that leaves the shorter side >= 2 * target. */
static int reduction_for(int width, int height, int target) {
  int shorter = width < height ? width : height, reduction = 1;
  if (target <= 0) return 1;
  while (reduction < 8 && shorter / (reduction * 2) >= 2 * target) reduction *= 2;
  return reduction;
}

/* Warnings under which the whole picture was there all the same; any other means lost pixels. */
static bool warning_is_harmless(const char *text) {
  return strstr(text, "unknown JFIF revision") ||
         (strstr(text, "extraneous bytes before marker 0xd9") && !strstr(text, "premature"));
}

/* The picture as `format` into `pixels`. The first try stops at the first warning, so that damaged files cost little; a
 * harmless warning earns a second one. */
static bool pixels_decode(tjhandle handle, const uint8_t *bytes, size_t size, uint8_t *pixels, int width, int height,
                          int format) {
  int flags = TJFLAG_LIMITSCANS;
  if (tjDecompress2(handle, bytes, size, pixels, width, 0, height, format, flags | TJFLAG_STOPONWARNING) == 0)
    return true;
  if (tjGetErrorCode(handle) != TJERR_WARNING || !warning_is_harmless(tjGetErrorStr2(handle))) return false;
  return tjDecompress2(handle, bytes, size, pixels, width, 0, height, format, flags) == 0 ||
         (tjGetErrorCode(handle) == TJERR_WARNING && warning_is_harmless(tjGetErrorStr2(handle)));
}

/* Ink to light without a colour profile: R = (255 - C) (255 - K) / 255. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t pixels, bool inverted) {
  unsigned flip = inverted ? 0 : 255;
  for (size_t i = 0; i < pixels; i++) {
    unsigned light = cmyk[4 * i + 3] ^ flip;
    for (int c = 0; c < 3; c++) rgb[3 * i + c] = (uint8_t)(((cmyk[4 * i + c] ^ flip) * light + 127) / 255);
  }
}

static Status decode_with(tjhandle handle, Image *image, const char *name, const uint8_t *bytes, size_t size,
                          int target, bool adobe) {
  int width = 0, height = 0, subsampling = 0, space = 0;
  if (tjDecompressHeader3(handle, bytes, size, &width, &height, &subsampling, &space) != 0 &&
      !(tjGetErrorCode(handle) == TJERR_WARNING && warning_is_harmless(tjGetErrorStr2(handle))))
    return status_set(BAD_INPUT, "%s: JPEG header cannot be read: %s", name, tjGetErrorStr2(handle));
  if (width < 1 || height < 1) return status_set(BAD_INPUT, "%s: JPEG is truncated before its picture begins", name);
  if ((long)width * height > IMAGE_MAX_PIXELS) return image_reserve(image, name, width, height);
  int reduction = reduction_for(width, height, target);
  width = (width + reduction - 1) / reduction; /* as TJSCALED rounds */
  height = (height + reduction - 1) / reduction;
  TRY(image_reserve(image, name, width, height));
  bool inks = space == TJCS_CMYK || space == TJCS_YCCK;
  size_t pixels = (size_t)width * height;
  uint8_t *cmyk = inks ? xmalloc(4 * pixels) : NULL;
  bool decoded =
      pixels_decode(handle, bytes, size, inks ? cmyk : image->rgb, width, height, inks ? TJPF_CMYK : TJPF_RGB);
  if (decoded && inks) cmyk_to_rgb(cmyk, image->rgb, pixels, adobe);
  free(cmyk);
  if (!decoded) return status_set(BAD_INPUT, "%s: JPEG is truncated or corrupt: %s", name, tjGetErrorStr2(handle));
  return OK;
}

Status jpeg_decode(Image *image, const char *name, const uint8_t *bytes, size_t size, int target, int *orientation) {
  Segments segments = segments_scan(bytes, size);
  *orientation = segments.orientation;
  tjhandle handle = tjInitDecompress();
  if (!handle) return status_set(FAILED, "%s: the JPEG decoder cannot start: %s", name, tjGetErrorStr2(NULL));
  Status status = decode_with(handle, image, name, bytes, size, target, segments.adobe);
  tjDestroy(handle);
  return status;
}
