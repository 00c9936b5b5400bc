/* Loading convolutions. */
#include "common/vision/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

Status loader_open(Loader *loader, const char *path, float epsilon) {
  *loader = (Loader){.epsilon = epsilon};
  TRY(safetensors_open(&loader->tensors, path));
  loader->hasher = hash_begin();
  return OK;
}

void loader_close(Loader *loader, char hash[HASH_TEXT]) {
  hash_end(loader->hasher, hash);
  safetensors_close(loader->tensors);
  *loader = (Loader){0};
}

static Status tensor_load(Loader *loader, const char *name, int rank, const int *shape, float **values) {
  size_t count = 1;
  for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
  *values = xmalloc(count * sizeof(float));
  TRY(safetensors_floats(loader->tensors, name, rank, shape, *values));
  hash_add_text(loader->hasher, name);
  hash_add(loader->hasher, shape, sizeof(int) * (size_t)rank);
  hash_add(loader->hasher, *values, count * sizeof(float));
  return OK;
}

void folded_free(Folded *folded) {
  free(folded->weight);
  free(folded->scale);
  free(folded->bias);
}

static Status norm_fold(Loader *loader, const char *norm, int channels, Folded *folded) {
  static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
  float *values[4] = {NULL};
  Status status = OK;
  for (int i = 0; i < 4 && status == OK; i++) {
    char name[160];
    snprintf(name, sizeof name, "%s.%s", norm, parts[i]);
    status = tensor_load(loader, name, 1, &channels, &values[i]);
  }
  if (status == OK) {
    folded->scale = xmalloc(sizeof(float) * (size_t)channels);
    folded->bias = xmalloc(sizeof(float) * (size_t)channels);
    for (int c = 0; c < channels; c++) {
      folded->scale[c] = values[0][c] / sqrtf(values[3][c] + loader->epsilon);
      folded->bias[c] = values[1][c] - values[2][c] * folded->scale[c];
    }
  }
  for (int i = 0; i < 4; i++) free(values[i]);
  return status;
}

Status convolution_load(Loader *loader, const char *prefix, const char *convolution, const char *norm, int out, int in,
                        int kernel, Folded *folded) {
  char name[96];
  int shape[4] = {out, in, kernel, kernel};
  *folded = (Folded){0};
  snprintf(name, sizeof name, "%s%s.weight", prefix, convolution);
  TRY(tensor_load(loader, name, 4, shape, &folded->weight));
  snprintf(name, sizeof name, "%s%s", prefix, norm);
  return norm_fold(loader, name, out, folded);
}

/* [out, in, taps] -> [out, taps, in] */
static float *taps_first(const float *weight, int out, int in, int taps) {
  float *turned = xmalloc((size_t)out * (size_t)in * (size_t)taps * sizeof *turned), *to = turned;
  for (int o = 0; o < out; o++, weight += (size_t)in * (size_t)taps)
    for (int t = 0; t < taps; t++)
      for (int i = 0; i < in; i++) *to++ = weight[(size_t)i * (size_t)taps + (size_t)t];
  return turned;
}

Status dense_load(Loader *loader, const char *prefix, const char *convolution, const char *norm, int in, int out,
                  int kernel, Pointwise *layer) {
  Folded folded;
  Status status = convolution_load(loader, prefix, convolution, norm, out, in, kernel, &folded);
  if (status == OK) {
    float *turned = taps_first(folded.weight, out, in, kernel * kernel);
    pointwise_init(layer, kernel * kernel * in, out, turned, folded.scale, folded.bias);
    free(turned);
  }
  folded_free(&folded);
  return status;
}
