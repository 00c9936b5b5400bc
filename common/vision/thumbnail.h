/* Thumbnail: a picture file as a small JPEG. */
#ifndef TROUPE_VISION_THUMBNAIL_H
#define TROUPE_VISION_THUMBNAIL_H

#include <stddef.h>

#include "common/base/status.h"

/* At most `side` pixels wide and high; smaller pictures keep their size. `*bytes` is owned by the caller (free). Errors: as
 * image_read; FAILED it cannot be compressed. */
Status thumbnail_make(const char *path, int side, unsigned char **bytes, size_t *size);

#endif
