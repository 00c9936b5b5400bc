/* Dataset: pictures' grid features, captions, vocabulary and document frequencies in one HDF5 file (attribute format =
 * "troupe-dataset"). Opened read-only without file locks; features are read by chunk, the rest is loaded.
 *
 * File: features [images, N, F] float16 or float32, chunked by image; image/{id,file,split}, and image/cells where pictures
 * have fewer than N cells (zeros follow them); caption/{image,text,tokens,
 * length}; vocabulary/token with attribute kind (none: words); ngram/{key,df} with attribute documents; attributes encoder, encoder_hash, preprocessing,
 * content_hash. Bytes depend on content alone. */
#ifndef TROUPE_DATA_DATASET_H
#define TROUPE_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/data/vocabulary.h"

enum { DATASET_VERSION = 1, SPLIT_NAME = 16 };

typedef struct Dataset {
  char *path;
  int images, captions, vocabulary; /* V includes the four special tokens */
  int cells, features;              /* N, F */
  char **image_id, **image_file;    /* [images] */
  char (*image_split)[SPLIT_NAME];  /* [images] */
  int32_t *image_cells;             /* [images]: 1 to N; NULL = N for all */
  int32_t *image_first;             /* [images + 1]: captions of image i stand together */
  char **text;                      /* [captions]: as given */
  char **words;                     /* [captions]: tokenised, words joined by one space */
  int32_t *tokens; /* [captions, token_stride]: ids, end token last, no start token; cut at the stride */
  int32_t *length; /* [captions]: the end token counts */
  int token_stride;
  VocabularyKind kind; /* of the tokens; `words` are the same whatever it is */
  char **token; /* [V]: "<pad>", "<start>", "<end>", "<unk>", then words by falling count, or pieces (pieces.h) */
  uint64_t *ngram_key; /* [ngrams], rising; of an open file: read-only, shared by the node's processes */
  float *ngram_df;     /* [ngrams] */
  size_t ngrams;
  int ngram_documents; /* images of the training split */
  char encoder[64], encoder_hash[HASH_TEXT], preprocessing[256], content_hash[HASH_TEXT];
  struct DatasetFile *file; /* owned HDF5 handles */
} Dataset;

/* Errors: not HDF5, not a dataset, a newer version (named), inconsistent shapes, truncated. verify_hash reads everything. */
Status dataset_open(Dataset *dataset, const char *path, bool verify_hash);
void dataset_close(Dataset *dataset); /* idempotent */

/* Features of image `image` -> float32 [N, F]. Thread-compatible, not thread-safe. */
Status dataset_features(Dataset *dataset, int image, float *features);

/* Ids of the images of a split in file order; owned by the caller. Errors: no such split (names those that are there). */
Status dataset_split(const Dataset *dataset, const char *split, int32_t **images, int *count);

#endif
