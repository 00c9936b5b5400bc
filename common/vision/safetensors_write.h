/* Writing safetensors: float32 tensors and a map of texts. */
#ifndef TROUPE_VISION_SAFETENSORS_WRITE_H
#define TROUPE_VISION_SAFETENSORS_WRITE_H

#include <jansson.h>

#include "common/base/status.h"

typedef struct SafetensorsEntry {
  const char *name;
  int rank, shape[2]; /* 1 or 2 dimensions */
  const float *values;
} SafetensorsEntry;

/* Writes atomically. `metadata`: an object of texts, or NULL. Everything is borrowed. Errors: unwritable, disk full. */
Status safetensors_write(const char *path, const SafetensorsEntry *entry, int count, const json_t *metadata);

#endif
