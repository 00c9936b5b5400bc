/* What an encoder is made of: one row of the table in encoder.c. Private to common/vision. */
#ifndef TROUPE_VISION_KIND_H
#define TROUPE_VISION_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/vision/weights.h"

typedef struct EncoderKind {
  const char *name;
  const char *weights;       /* its weights are looked for in WEIGHTS.safetensors; NULL: in NAME.safetensors */
  const char *source;        /* where to get them, for messages */
  int cells, features, size; /* grid [cells, features] of a picture [size, size, 3] */
  const char *preprocessing;
  const void *plan; /* what tells the encoders of one family apart; theirs */
  float epsilon;    /* of the batch norms */
  /* Loads weights; NULL for an encoder without. `*model` is owned by the caller (unload), also after a failure. */
  Status (*load)(void **model, const struct EncoderKind *kind, Loader *loader);
  void (*unload)(void *model);
  /* Floats of scratch memory (64-byte aligned) that encode needs from each thread. */
  size_t (*scratch_floats)(const void *model);
  void (*encode)(const void *model, float *scratch, const uint8_t *rgb, float *grid);
} EncoderKind;

typedef struct ScratchPart {
  float **start;
  size_t floats;
} ScratchPart;

/* Cuts `scratch` into parts at multiples of 64 bytes; with NULL only counts. Returns floats. */
size_t scratch_cut(float *scratch, const ScratchPart *parts, size_t count);

extern const EncoderKind encoder_patches, encoder_efficientnet_lite0, encoder_efficientnet_lite1,
    encoder_efficientnet_lite2, encoder_resnet50, encoder_resnet50_448, encoder_resnet101, encoder_resnet101_448;

#endif
