/* Weights: convolutions with their batch norm, from safetensors to packed layers, hashing what is used. Private to
 * common/vision. */
#ifndef TROUPE_VISION_WEIGHTS_H
#define TROUPE_VISION_WEIGHTS_H

#include "common/base/hash.h"
#include "common/vision/convolution.h"
#include "common/vision/safetensors.h"

typedef struct Loader {
  Safetensors *tensors;
  Hasher *hasher;
  float epsilon; /* of the batch norms */
} Loader;

Status loader_open(Loader *loader, const char *path, float epsilon);
void loader_close(Loader *loader, char hash[HASH_TEXT]);

/* A convolution with the batch norm behind it: weight [out, in, kernel, kernel] as stored, and per output channel the
 * factor and the bias that batch norm amounts to. All owned (folded_free, also after a failure). */
typedef struct Folded {
  float *weight, *scale, *bias;
} Folded;
void folded_free(Folded *folded);

/* `prefix` "blocks.1.0." or "", convolution "conv_pw", norm "bn1": tensors prefix + convolution + ".weight" and so on. */
Status convolution_load(Loader *loader, const char *prefix, const char *convolution, const char *norm, int out, int in,
                        int kernel, Folded *folded);

/* A dense k x k convolution as pointwise over [k * k * in] inputs, (y, x, channel): for pointwise_rows (k = 1, or gathered
 * pixels) and dense_rows. */
Status dense_load(Loader *loader, const char *prefix, const char *convolution, const char *norm, int in, int out,
                  int kernel, Pointwise *layer);

#endif
