/* The streaming writer of dataset files, and the hash of their content. */
#include "common/data/dataset_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/h5.h"
#include "common/data/h5_vocabulary.h"
#include "common/data/half.h"

struct DatasetWriter {
  H5File file;
  char *path, *temporary; /* owned */
  hid_t array, type;
  int images, cells, features;
  bool half;
  uint16_t *packed; /* [N, F] */
  Hasher *hasher;   /* NULL once ended */
  char features_hash[HASH_TEXT];
};

static Status features_create(DatasetWriter *writer) {
  hsize_t dims[3] = {0, (hsize_t)writer->cells, (hsize_t)writer->features};
  hsize_t most[3] = {H5S_UNLIMITED, dims[1], dims[2]}, chunk[3] = {1, dims[1], dims[2]};
  hid_t space = H5Screate_simple(3, dims, most), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(creation, 0);
  H5Pset_chunk(creation, 3, chunk);
  writer->type = h5_type(writer->half ? H5_HALF : H5_FLOAT);
  writer->array = H5Dcreate2(writer->file.id, "features", writer->type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Pclose(creation);
  H5Sclose(space);
  return writer->array < 0 ? status_set(FAILED, "%s: features cannot be created (is the disk full?)", writer->path)
                           : OK;
}

Status dataset_write_begin(DatasetWriter **out, const char *path, int cells, int features, bool half) {
  CHECK(cells > 0 && features > 0);
  DatasetWriter *writer = xcalloc(1, sizeof *writer);
  *writer = (DatasetWriter){.path = xstrdup(path),
                            .temporary = file_temporary(path),
                            .array = H5I_INVALID_HID,
                            .type = H5I_INVALID_HID,
                            .cells = cells,
                            .features = features,
                            .half = half};
  writer->packed = xmalloc((size_t)cells * (size_t)features * sizeof *writer->packed);
  writer->hasher = hash_begin();
  *out = writer;
  Status status = h5_create(&writer->file, writer->temporary, path);
  if (status == OK) status = features_create(writer);
  if (status != OK) {
    dataset_write_abandon(writer);
    *out = NULL;
  }
  return status;
}

static Status row_write(DatasetWriter *writer, const void *row) {
  hsize_t start[3] = {(hsize_t)writer->images, 0, 0};
  hsize_t size[3] = {1, (hsize_t)writer->cells, (hsize_t)writer->features};
  hsize_t grown[3] = {start[0] + 1, size[1], size[2]};
  bool bad = H5Dset_extent(writer->array, grown) < 0;
  hid_t in_file = H5Dget_space(writer->array), in_memory = H5Screate_simple(3, size, NULL);
  H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, size, NULL);
  bad = bad || H5Dwrite(writer->array, writer->type, in_memory, in_file, H5P_DEFAULT, row) < 0;
  H5Sclose(in_memory);
  H5Sclose(in_file);
  if (bad) return status_set(FAILED, "%s: features cannot be written (is the disk full?)", writer->path);
  hash_add(writer->hasher, row, (size_t)writer->cells * (size_t)writer->features * (writer->half ? 2 : 4));
  writer->images++;
  return OK;
}

Status dataset_write_packed(DatasetWriter *writer, const void *row) { return row_write(writer, row); }

Status dataset_write_features(DatasetWriter *writer, int count, const float *features) {
  size_t row = (size_t)writer->cells * (size_t)writer->features;
  float limit = writer->half ? 65504.0f : INFINITY;
  for (int i = 0; i < count; i++, features += row) {
    for (size_t k = 0; k < row; k++) {
      if (!isfinite(features[k]))
        return status_set(FAILED, "%s: a feature of picture %d is not finite: are the encoder's weights damaged?",
                          writer->path, writer->images);
      if (!(fabsf(features[k]) <= limit))
        return status_set(FAILED, "%s: a feature of picture %d is %g, too large for float16; use --float32",
                          writer->path, writer->images, (double)features[k]);
    }
    if (writer->half) half_from_float(features, writer->packed, row);
    TRY(row_write(writer, writer->half ? (const void *)writer->packed : features));
  }
  return OK;
}

static void add_texts(Hasher *hasher, char *const *texts, int count) {
  for (int i = 0; i < count; i++) hash_add_text(hasher, texts[i]);
}

void dataset_content_hash(const Dataset *content, const char *features_hash, char text[HASH_TEXT]) {
  Hasher *hasher = hash_begin();
  int32_t shape[] = {content->images,   content->captions,     content->vocabulary,     content->cells,
                     content->features, content->token_stride, content->ngram_documents};
  hash_add(hasher, shape, sizeof shape);
  hash_add_text(hasher, features_hash);
  hash_add_text(hasher, content->encoder);
  hash_add_text(hasher, content->encoder_hash);
  hash_add_text(hasher, content->preprocessing);
  add_texts(hasher, content->image_id, content->images);
  add_texts(hasher, content->image_file, content->images);
  for (int i = 0; i < content->images; i++) hash_add_text(hasher, content->image_split[i]);
  hash_add(hasher, content->image_first, (size_t)(content->images + 1) * sizeof *content->image_first);
  if (content->image_cells)
    hash_add(hasher, content->image_cells, (size_t)content->images * sizeof *content->image_cells);
  add_texts(hasher, content->text, content->captions);
  add_texts(hasher, content->words, content->captions);
  hash_add(hasher, content->tokens,
           (size_t)content->captions * (size_t)content->token_stride * sizeof *content->tokens);
  hash_add(hasher, content->length, (size_t)content->captions * sizeof *content->length);
  hash_add_vocabulary(hasher, content->kind, content->token, content->vocabulary);
  hash_add(hasher, content->ngram_key, content->ngrams * sizeof *content->ngram_key);
  hash_add(hasher, content->ngram_df, content->ngrams * sizeof *content->ngram_df);
  hash_end(hasher, text);
}

static Status images_write(const H5File *file, const Dataset *content) {
  TRY(h5_write_texts(file, "image/id", content->image_id, (size_t)content->images));
  TRY(h5_write_texts(file, "image/file", content->image_file, (size_t)content->images));
  char **split = xmalloc((size_t)content->images * sizeof *split);
  for (int i = 0; i < content->images; i++) split[i] = content->image_split[i];
  Status status = h5_write_texts(file, "image/split", split, (size_t)content->images);
  free(split);
  size_t images = (size_t)content->images;
  if (status == OK && content->image_cells)
    status = h5_write(file, "image/cells", H5_INT32, 1, &images, content->image_cells);
  return status;
}

static Status captions_write(const H5File *file, const Dataset *content) {
  size_t captions = (size_t)content->captions, shape[2] = {captions, (size_t)content->token_stride};
  int32_t *image = xmalloc((captions + 1) * sizeof *image);
  for (int i = 0; i < content->images; i++)
    for (int c = content->image_first[i]; c < content->image_first[i + 1]; c++) image[c] = i;
  Status status = h5_write(file, "caption/image", H5_INT32, 1, shape, image);
  free(image);
  TRY(status);
  TRY(h5_write_texts(file, "caption/text", content->text, captions));
  TRY(h5_write_texts(file, "caption/words", content->words, captions));
  TRY(h5_write(file, "caption/tokens", H5_INT32, 2, shape, content->tokens));
  return h5_write(file, "caption/length", H5_INT32, 1, shape, content->length);
}

static Status content_write(const H5File *file, Dataset *content, const char *features_hash) {
  TRY(images_write(file, content));
  TRY(captions_write(file, content));
  TRY(h5_write_vocabulary(file, content->kind, content->token, (size_t)content->vocabulary));
  TRY(h5_write(file, "ngram/key", H5_UINT64, 1, &content->ngrams, content->ngram_key));
  TRY(h5_write(file, "ngram/df", H5_FLOAT, 1, &content->ngrams, content->ngram_df));
  TRY(h5_write_integer(file, "ngram", "documents", content->ngram_documents));
  TRY(h5_write_text(file, "/", "encoder", content->encoder));
  TRY(h5_write_text(file, "/", "encoder_hash", content->encoder_hash));
  TRY(h5_write_text(file, "/", "preprocessing", content->preprocessing));
  dataset_content_hash(content, features_hash, content->content_hash);
  TRY(h5_write_text(file, "/", "features_hash", features_hash));
  TRY(h5_write_text(file, "/", "content_hash", content->content_hash));
  TRY(h5_write_text(file, "/", "format", "troupe-dataset"));
  return h5_write_integer(file, "/", "format_version", DATASET_VERSION);
}

static bool array_close(DatasetWriter *writer) {
  bool good = writer->array < 0 || H5Dclose(writer->array) >= 0;
  if (writer->type >= 0) H5Tclose(writer->type);
  writer->array = writer->type = H5I_INVALID_HID;
  return good;
}

Status dataset_write_finish(DatasetWriter *writer, Dataset *content) {
  CHECK(content->images == writer->images);
  content->cells = writer->cells;
  content->features = writer->features;
  hash_end(writer->hasher, writer->features_hash);
  writer->hasher = NULL;
  Status status = content_write(&writer->file, content, writer->features_hash);
  if (status == OK) return dataset_write_commit(writer, writer->path);
  dataset_write_abandon(writer);
  return status;
}

Status dataset_write_commit(DatasetWriter *writer, const char *path) {
  Status status = OK;
  if (!array_close(writer))
    status = status_set(FAILED, "%s: features cannot be written (is the disk full?)", writer->path);
  if (status == OK) status = h5_close(&writer->file);
  if (status == OK) {
    status = file_commit(writer->temporary, path);
    writer->temporary = NULL;
  }
  dataset_write_abandon(writer);
  return status;
}

H5File *dataset_write_file(DatasetWriter *writer) { return &writer->file; }
const char *dataset_write_path(const DatasetWriter *writer) { return writer->path; }

void dataset_write_abandon(DatasetWriter *writer) {
  if (!writer) return;
  char unused[HASH_TEXT];
  if (writer->hasher) hash_end(writer->hasher, unused);
  array_close(writer);
  h5_abandon(&writer->file);
  if (writer->temporary) file_discard(writer->temporary);
  free(writer->path);
  free(writer->packed);
  free(writer);
}
