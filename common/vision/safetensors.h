/* Safetensors: named tensors in a file (8 bytes of header length, a JSON header, the data). Reading, with every bound
 * checked, for files come from elsewhere. */
#ifndef TROUPE_VISION_SAFETENSORS_H
#define TROUPE_VISION_SAFETENSORS_H

#include <stddef.h>

#include "common/base/status.h"

typedef struct Safetensors Safetensors;

/* Errors (BAD_INPUT): not safetensors, cut, or a header whose shapes, types and offsets do not fit each other. */
Status safetensors_open(Safetensors **tensors, const char *path);
/* The same from memory; takes `bytes` (malloc), also on failure. `name` is what messages call it. */
Status safetensors_parse(Safetensors **tensors, const char *name, char *bytes, size_t size);
void safetensors_close(Safetensors *tensors);

/* Copies the tensor `name` of exactly `shape` [rank] as float32 (F32, F16 and BF16 are read). Errors (BAD_INPUT): no
 * such tensor, another shape or type. */
Status safetensors_floats(const Safetensors *tensors, const char *name, int rank, const int *shape, float *out);

/* The text `key` of the file's metadata. Borrowed; NULL: not there. */
const char *safetensors_metadata(const Safetensors *tensors, const char *key);

#endif
