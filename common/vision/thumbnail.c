/* Decode, reduce, compress. */
#include "common/vision/thumbnail.h"

#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "common/vision/image.h"

enum { QUALITY = 82 };

static Status compress(const char *name, const uint8_t *rgb, int width, int height, unsigned char **bytes,
                       size_t *size) {
  unsigned char *jpeg = NULL;
  unsigned long length = 0;
  tjhandle handle = tjInitCompress();
  Status status = OK;
  if (!handle || tjCompress2(handle, rgb, width, 0, height, TJPF_RGB, &jpeg, &length, TJSAMP_420, QUALITY, 0))
    status = status_set(FAILED, "%s: cannot be compressed: %s", name, tjGetErrorStr2(handle));
  if (status == OK) {
    *bytes = xmalloc(length);
    *size = length;
    memcpy(*bytes, jpeg, length);
  }
  tjFree(jpeg);
  if (handle) tjDestroy(handle);
  return status;
}

Status thumbnail_make(const char *path, int side, unsigned char **bytes, size_t *size) {
  Image image = {0};
  Status status = image_read(&image, path, side);
  if (status == OK) {
    int longer = image.width > image.height ? image.width : image.height;
    double scale = longer > side ? (double)side / longer : 1;
    int width = (int)(image.width * scale + 0.5), height = (int)(image.height * scale + 0.5);
    width = width > 0 ? width : 1, height = height > 0 ? height : 1;
    uint8_t *rgb = xmalloc(3 * (size_t)width * (size_t)height);
    ResizeWork *work = resize_work_new();
    image_resize(&image, width, height, rgb, work);
    resize_work_free(work);
    status = compress(path, rgb, width, height, bytes, size);
    free(rgb);
  }
  image_free(&image);
  return status;
}
