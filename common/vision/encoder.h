/* Encoder: a picture -> grid features [N, F], through one interface over a table of encoders:
 *   patches              no weights: normalised pixels of a 7x7 grid with each cell's position (the demo's)
 *   efficientnet-lite0   ImageNet features before pooling, 7x7 cells of 1280 (arXiv 1905.11946); -lite1 8x8, -lite2 9x9
 *   resnet50, resnet101  7x7 cells of 2048 (arXiv 1512.03385); resnet50-448, resnet101-448 14x14, the same weights
 * One Encoder is shared by any number of threads; each thread brings an EncoderScratch of its own. */
#ifndef TROUPE_VISION_ENCODER_H
#define TROUPE_VISION_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/status.h"

typedef struct Encoder Encoder;
typedef struct EncoderScratch EncoderScratch;

/* Opens an encoder by name. `weights_path`: its safetensors file, NULL for an encoder that needs none. Errors
 * (BAD_INPUT): unknown name (the known ones are listed), weights missing or superfluous, a tensor missing or of another
 * shape or type. `*encoder` is owned by the caller (encoder_close; NULL is fine there). */
Status encoder_open(Encoder **encoder, const char *name, const char *weights_path);
void encoder_close(Encoder *encoder);

const char *encoder_name(const Encoder *encoder);
int encoder_cells(const Encoder *encoder);    /* N */
int encoder_features(const Encoder *encoder); /* F */
int encoder_size(const Encoder *encoder);     /* input is size x size pixels */
/* What is done to pixels, in words: part of a dataset's identity. Borrowed. */
const char *encoder_preprocessing(const Encoder *encoder);
/* Hash of the tensors in use (names, shapes, values as float32; not of the file around them), "" without weights. */
const char *encoder_weights_hash(const Encoder *encoder);

/* The table, for help texts: NULL past its end. */
const char *encoder_known(int index);
bool encoder_exists(const char *name);
/* Whether encoder `name` takes weights; false for an unknown name. */
bool encoder_needs_weights(const char *name);

/* Looks for the weights of `name` with hash `hash` ("" = any that fit) in the folder or file that the environment's
 * TROUPE_ENCODERS names, in the folder `beside` (or NULL), and in encoders/. `*path` is owned by the caller. Errors
 * (BAD_INPUT): none fits; the message says where was looked and how to get them. */
Status encoder_find_weights(const char *name, const char *hash, const char *beside, char **path);

/* One thread's scratch memory. Owned by the caller. */
EncoderScratch *encoder_scratch_new(const Encoder *encoder);
void encoder_scratch_free(EncoderScratch *scratch);
/* Whether pictures are flipped left to right before they are resized; at first they are not. */
void encoder_scratch_mirror(EncoderScratch *scratch, bool mirror);

/* Encodes one picture into grid [N, F]. Errors as image_decode: the message names the picture. */
Status encoder_encode_file(const Encoder *encoder, EncoderScratch *scratch, const char *path, float *grid);
Status encoder_encode_bytes(const Encoder *encoder, EncoderScratch *scratch, const char *name, const void *bytes,
                            size_t size, float *grid);
/* rgb [size, size, 3]. */
void encoder_encode_rgb(const Encoder *encoder, EncoderScratch *scratch, const uint8_t *rgb, float *grid);

#endif
