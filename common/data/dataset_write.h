/* Writes a dataset file (dataset.h): features are streamed picture by picture, so that those of 100,000 pictures never sit in
 * memory; captions, vocabulary and document frequencies come last. The file appears under its name complete or not at all. */
#ifndef TROUPE_DATA_DATASET_WRITE_H
#define TROUPE_DATA_DATASET_WRITE_H

#include "common/data/dataset.h"

typedef struct DatasetWriter DatasetWriter;

/* Begins a file of [images, cells, features]; `half` stores float16. `*writer` is owned until finish or abandon. */
Status dataset_write_begin(DatasetWriter **writer, const char *path, int cells, int features, bool half);

/* Appends the features [count, N, F] of the next pictures. Errors: not finite, or past float16's 65504 (the picture is named
 * by its number in the file), disk full. */
Status dataset_write_features(DatasetWriter *writer, int count, const float *features);

/* The same of one picture as it is stored: float16 or float32 [N, F]. */
Status dataset_write_packed(DatasetWriter *writer, const void *row);

/* Writes everything else from `content` (path, features' shape, hash and file are not read; content_hash is filled in) and
 * commits the file. content->images must be the number of pictures written. Frees the writer, also on failure. */
Status dataset_write_finish(DatasetWriter *writer, Dataset *content);

/* Leaves nothing behind; NULL is fine. */
void dataset_write_abandon(DatasetWriter *writer);

/* For dataset_part.c alone: the open file, its final name; closing it under another name, which frees the writer. */
struct H5File *dataset_write_file(DatasetWriter *writer);
const char *dataset_write_path(const DatasetWriter *writer);
Status dataset_write_commit(DatasetWriter *writer, const char *path);

/* The hash of all content: of the features' own hash, their shape, and everything else. */
void dataset_content_hash(const Dataset *content, const char *features_hash, char text[HASH_TEXT]);

#endif
