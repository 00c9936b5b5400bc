/* Image: JPEG or PNG bytes -> RGB uint8, and the resize that encoders ask for.
 *
 * JPEG by libjpeg-turbo: grey, RGB, YCbCr, CMYK and YCCK; any warning of the decoder (a truncated or damaged stream)
 * is an error, for half a picture would be captioned as if it were whole. PNG by libspng: all colour types; alpha is
 * composited on white. The format is told by the first bytes, not by the name. EXIF orientation is applied. */
#ifndef TROUPE_VISION_IMAGE_H
#define TROUPE_VISION_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

/* Pixels [height, width, 3], rows packed. */
typedef struct Image {
  uint8_t *rgb; /* owned */
  int width, height;
  size_t capacity; /* bytes at rgb: an Image that is decoded into again keeps its block */
} Image;

/* Zero-initialise (`Image image = {0}`), then decode into it as often as wanted; free at the end. Idempotent. */
void image_free(Image *image);

/* Decodes a picture. `name` is what messages call it (its path). A JPEG whose shorter side is far larger than `target`
 * pixels is decoded at 1/2, 1/4 or 1/8 of its size, never below 2 * target (0 = full size).
 * Errors (BAD_INPUT): empty, neither JPEG nor PNG, truncated or corrupt, more than IMAGE_MAX_PIXELS. */
Status image_decode(Image *image, const char *name, const void *bytes, size_t size, int target);
Status image_read(Image *image, const char *path, int target);

enum { IMAGE_MAX_PIXELS = 1 << 27, IMAGE_MAX_SIDE = 1 << 16 };

/* Flips it left to right. */
void image_mirror(Image *image);

/* Resizes to [height, width, 3] at `out` by a bicubic filter (a = -0.5) whose support grows with the reduction, so that
 * it does not alias: the arithmetic of Pillow's Image.resize(..., BICUBIC) with rows reduced first, bit for bit.
 * An image of that size already is copied. `work` is scratch, kept between calls. */
typedef struct ResizeWork ResizeWork;
ResizeWork *resize_work_new(void);
void resize_work_free(ResizeWork *work);
void image_resize(const Image *image, int width, int height, uint8_t *out, ResizeWork *work);

#endif
