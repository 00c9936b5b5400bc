/* PNG by libspng: every colour type and depth to 8-bit RGB, transparency composited on white. */
#include "common/vision/codec.h"

#include <spng.h>
#include <stdbool.h>
#include <stdlib.h>

static void composite_on_white(const uint8_t *rgba, uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++) {
    unsigned alpha = rgba[4 * i + 3];
    for (int c = 0; c < 3; c++) rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

static bool has_transparency(spng_ctx *context, const struct spng_ihdr *header) {
  struct spng_trns trns;
  return header->color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
         header->color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA || spng_get_trns(context, &trns) == 0;
}

static Status decode_with(spng_ctx *context, Image *image, const char *name, const uint8_t *bytes, size_t size,
                          int *orientation) {
  struct spng_ihdr header;
  spng_set_image_limits(context, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE);
  spng_set_chunk_limits(context, 1 << 24, 1 << 26);
  int error = spng_set_png_buffer(context, bytes, size);
  if (!error) error = spng_get_ihdr(context, &header);
  if (error) return status_set(BAD_INPUT, "%s: PNG header cannot be read: %s", name, spng_strerror(error));
  TRY(image_reserve(image, name, header.width, header.height));

  bool transparent = has_transparency(context, &header);
  size_t pixels = (size_t)header.width * header.height;
  uint8_t *rgba = transparent ? xmalloc(4 * pixels) : NULL;
  error = spng_decode_image(context, transparent ? rgba : image->rgb, (transparent ? 4 : 3) * pixels,
                            transparent ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8, transparent ? SPNG_DECODE_TRNS : 0);
  if (!error) error = spng_decode_chunks(context); /* up to IEND: a file cut behind the pixels is cut, too */
  if (!error && transparent) composite_on_white(rgba, image->rgb, pixels);
  free(rgba);
  if (error) return status_set(BAD_INPUT, "%s: PNG is truncated or corrupt: %s", name, spng_strerror(error));
  struct spng_exif exif;
  if (spng_get_exif(context, &exif) == 0) *orientation = exif_orientation((const uint8_t *)exif.data, exif.length);
  return OK;
}

Status png_decode(Image *image, const char *name, const uint8_t *bytes, size_t size, int *orientation) {
  *orientation = 1;
  spng_ctx *context = spng_ctx_new(0);
  if (!context) return status_set(FAILED, "%s: the PNG decoder cannot start", name);
  Status status = decode_with(context, image, name, bytes, size, orientation);
  spng_ctx_free(context);
  return status;
}
