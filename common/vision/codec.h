/* Codecs: what image.c dispatches to. Private to common/vision. */
#ifndef TROUPE_VISION_CODEC_H
#define TROUPE_VISION_CODEC_H

#include "common/vision/image.h"

/* Refuses absurd dimensions, then makes room for [height, width, 3] in `image`. */
Status image_reserve(Image *image, const char *name, long width, long height);

/* Each decodes into `image` and says in `*orientation` how EXIF wants it turned (1 = as it is .. 8). */
Status jpeg_decode(Image *image, const char *name, const uint8_t *bytes, size_t size, int target, int *orientation);
Status png_decode(Image *image, const char *name, const uint8_t *bytes, size_t size, int *orientation);

/* Orientation (1..8) in a TIFF structure, as EXIF embeds one; 1 when it has none or is damaged. */
int exif_orientation(const uint8_t *tiff, size_t size);

#endif
