/* Encoder: the table, and what all encoders share: decode, resize, scratch, looking for weights. */
#include "common/vision/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/vision/image.h"
#include "common/vision/kind.h"

static const EncoderKind *const kinds[] = {
    &encoder_patches,  &encoder_efficientnet_lite0, &encoder_efficientnet_lite1, &encoder_efficientnet_lite2,
    &encoder_resnet50, &encoder_resnet50_448,       &encoder_resnet101,          &encoder_resnet101_448};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct Encoder {
  const EncoderKind *kind;
  void *model; /* owned, shared by threads, never written after opening */
  char hash[HASH_TEXT];
};

struct EncoderScratch {
  Image image;
  bool mirror;
  ResizeWork *resize;
  uint8_t *rgb;  /* [size, size, 3] */
  float *floats; /* the kind's */
};

static const EncoderKind *kind_find(const char *name) {
  for (int i = 0; i < KINDS; i++)
    if (strcmp(kinds[i]->name, name) == 0) return kinds[i];
  return NULL;
}

const char *encoder_known(int index) { return index >= 0 && index < KINDS ? kinds[index]->name : NULL; }

bool encoder_exists(const char *name) { return kind_find(name) != NULL; }

bool encoder_needs_weights(const char *name) {
  const EncoderKind *kind = kind_find(name);
  return kind && kind->load;
}

static Status model_load(Encoder *encoder, const char *weights_path) {
  const EncoderKind *kind = encoder->kind;
  Loader loader;
  TRY(loader_open(&loader, weights_path, kind->epsilon));
  Status status = kind->load(&encoder->model, kind, &loader);
  loader_close(&loader, encoder->hash);
  return status == OK ? OK : status_prefix(status, "encoder %s", kind->name);
}

Status encoder_open(Encoder **encoder, const char *name, const char *weights_path) {
  *encoder = NULL;
  const EncoderKind *kind = kind_find(name);
  if (!kind) {
    char known[256] = "";
    for (int i = 0; i < KINDS; i++) {
      if (i > 0) strncat(known, ", ", sizeof known - strlen(known) - 1);
      strncat(known, kinds[i]->name, sizeof known - strlen(known) - 1);
    }
    return status_set(BAD_INPUT, "encoder %s is not known; expected one of: %s", name, known);
  }
  if (kind->load && !weights_path)
    return status_set(BAD_INPUT, "encoder %s needs weights: give a safetensors file (%s)", name, kind->source);
  if (!kind->load && weights_path)
    return status_set(BAD_INPUT, "encoder %s takes no weights, but %s was given", name, weights_path);
  Encoder *opened = xcalloc(1, sizeof *opened);
  opened->kind = kind;
  Status status = kind->load ? model_load(opened, weights_path) : OK;
  if (status == OK) *encoder = opened;
  else encoder_close(opened);
  return status;
}

void encoder_close(Encoder *encoder) {
  if (!encoder) return;
  if (encoder->kind->unload) encoder->kind->unload(encoder->model);
  free(encoder);
}

const char *encoder_name(const Encoder *encoder) { return encoder->kind->name; }
int encoder_cells(const Encoder *encoder) { return encoder->kind->cells; }
int encoder_features(const Encoder *encoder) { return encoder->kind->features; }
int encoder_size(const Encoder *encoder) { return encoder->kind->size; }
const char *encoder_preprocessing(const Encoder *encoder) { return encoder->kind->preprocessing; }
const char *encoder_weights_hash(const Encoder *encoder) { return encoder->hash; }

/* --- encoding --------------------------------------------------------------------------------------------------- */

size_t scratch_cut(float *scratch, const ScratchPart *parts, size_t count) {
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    if (scratch) *parts[i].start = scratch + used;
    used += (parts[i].floats + 15) & ~(size_t)15;
  }
  return used;
}

EncoderScratch *encoder_scratch_new(const Encoder *encoder) {
  const EncoderKind *kind = encoder->kind;
  EncoderScratch *scratch = xcalloc(1, sizeof *scratch);
  scratch->resize = resize_work_new();
  scratch->rgb = xmalloc((size_t)kind->size * kind->size * 3);
  if (kind->scratch_floats) {
    size_t bytes = (kind->scratch_floats(encoder->model) * sizeof(float) + 63) & ~(size_t)63;
    scratch->floats = aligned_alloc(64, bytes);
    CHECK(scratch->floats);
  }
  return scratch;
}

void encoder_scratch_free(EncoderScratch *scratch) {
  if (!scratch) return;
  image_free(&scratch->image);
  resize_work_free(scratch->resize);
  free(scratch->rgb);
  free(scratch->floats);
  free(scratch);
}

void encoder_scratch_mirror(EncoderScratch *scratch, bool mirror) { scratch->mirror = mirror; }

void encoder_encode_rgb(const Encoder *encoder, EncoderScratch *scratch, const uint8_t *rgb, float *grid) {
  encoder->kind->encode(encoder->model, scratch->floats, rgb, grid);
}

Status encoder_encode_bytes(const Encoder *encoder, EncoderScratch *scratch, const char *name, const void *bytes,
                            size_t size, float *grid) {
  int side = encoder->kind->size;
  TRY(image_decode(&scratch->image, name, bytes, size, side));
  if (scratch->mirror) image_mirror(&scratch->image);
  image_resize(&scratch->image, side, side, scratch->rgb, scratch->resize);
  encoder_encode_rgb(encoder, scratch, scratch->rgb, grid);
  return OK;
}

Status encoder_encode_file(const Encoder *encoder, EncoderScratch *scratch, const char *path, float *grid) {
  char *bytes;
  size_t size;
  TRY(file_read(path, 0, &bytes, &size));
  Status status = encoder_encode_bytes(encoder, scratch, path, bytes, size, grid);
  free(bytes);
  return status;
}

/* --- looking for weights ---------------------------------------------------------------------------------------- */

enum { FAULT_TEXT = 512 };

/* Takes `path`; true (and `*found` set) when it holds weights of `name` with `hash`. Else `fault`: what is wrong with a file
 * that is there. */
static bool weights_match(const char *name, const char *hash, char *path, char **found, char fault[FAULT_TEXT]) {
  Encoder *encoder = NULL;
  bool there = file_exists(path), opens = there && encoder_open(&encoder, name, path) == OK;
  bool match = opens && (!*hash || strcmp(encoder_weights_hash(encoder), hash) == 0);
  if (there && !opens) snprintf(fault, FAULT_TEXT, "%s; ", status_message());
  if (opens && !match) snprintf(fault, FAULT_TEXT, "%s has hash %s; ", path, encoder_weights_hash(encoder));
  encoder_close(encoder);
  if (match) *found = path;
  else free(path);
  return match;
}

Status encoder_find_weights(const char *name, const char *hash, const char *beside, char **path) {
  const char *named = getenv("TROUPE_ENCODERS");
  const char *folders[] = {named && *named ? named : NULL, beside, "encoders"};
  char file[128], fault[FAULT_TEXT] = "";
  const EncoderKind *kind = kind_find(name);
  snprintf(file, sizeof file, "%s.safetensors", kind && kind->weights ? kind->weights : name);
  *path = NULL;
  if (folders[0] && !folder_exists(folders[0]) && weights_match(name, hash, xstrdup(folders[0]), path, fault))
    return OK;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    if (folders[i] && weights_match(name, hash, path_join(folders[i], file), path, fault)) return OK;
  return status_set(BAD_INPUT, "%s%s %s%s%s was found in TROUPE_ENCODERS (%s)%s%s or encoders/; where to get it: %s",
                    fault, *fault ? "no other" : "no", file, *hash ? " with hash " : "", hash,
                    named && *named ? named : "not set", beside ? ", " : "", beside ? beside : "",
                    kind && kind->source ? kind->source : "unknown");
}
