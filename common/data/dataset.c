/* Reads dataset files: everything but the features at once, and checks that it fits together. */
#include "common/data/dataset.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/dataset_write.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"
#include "common/data/h5_vocabulary.h"
#include "common/data/half.h"
#include "common/data/vocabulary.h"

struct DatasetFile {
  H5File file;
  hid_t array, in_file, in_memory;
  hid_t type;
  bool half;
  uint16_t *packed; /* [N, F] of float16 files */
  char features_hash[HASH_TEXT];
  H5Map ngram_key, ngram_df; /* of a large split they are most of what a process would hold */
};

static Status count_read(const char *path, const char *name, size_t found, int *count) {
  if (found > INT_MAX / 2)
    return status_set(BAD_INPUT, "%s: %s has %zu entries; at most %d were expected", path, name, found, INT_MAX / 2);
  *count = (int)found;
  return OK;
}

static Status texts_read(Dataset *dataset, const char *name, int expected, char ***texts) {
  size_t found;
  char **list;
  TRY(h5_read_texts(&dataset->file->file, name, &list, &found));
  if (found == (size_t)expected) {
    *texts = list;
    return OK;
  }
  texts_free(list, found);
  return status_set(BAD_INPUT, "%s: %s has %zu entries; %d were expected", dataset->path, name, found, expected);
}

static Status features_open(Dataset *dataset) {
  struct DatasetFile *file = dataset->file;
  size_t shape[3];
  Status status = h5_shape(&file->file, "features", H5_HALF, 3, shape);
  file->half = status == OK;
  if (!file->half) TRY(h5_shape(&file->file, "features", H5_FLOAT, 3, shape));
  if (shape[0] > INT_MAX / 2 || shape[1] < 1 || shape[2] < 1 || shape[1] > 65536 || shape[2] > 1 << 20)
    return status_set(
        BAD_INPUT,
        "%s: features of shape %zu x %zu x %zu; pictures x cells (1 to 65536) x values (1 to %d) were expected",
        dataset->path, shape[0], shape[1], shape[2], 1 << 20);
  dataset->images = (int)shape[0];
  dataset->cells = (int)shape[1];
  dataset->features = (int)shape[2];
  hsize_t row[3] = {1, shape[1], shape[2]};
  file->array = H5Dopen2(file->file.id, "features", H5P_DEFAULT);
  file->in_file = H5Dget_space(file->array);
  file->in_memory = H5Screate_simple(3, row, NULL);
  file->type = h5_type(file->half ? H5_HALF : H5_FLOAT);
  if (file->half) file->packed = xmalloc(shape[1] * shape[2] * sizeof *file->packed);
  return file->array < 0 ? status_set(BAD_INPUT, "%s: features cannot be opened: truncated or damaged", dataset->path)
                         : OK;
}

static Status cells_read(Dataset *dataset) {
  const H5File *file = &dataset->file->file;
  size_t images = (size_t)dataset->images;
  if (!h5_has(file, "image/cells")) return OK;
  dataset->image_cells = xmalloc((images + 1) * sizeof *dataset->image_cells);
  TRY(h5_read(file, "image/cells", H5_INT32, 1, &images, dataset->image_cells));
  for (int i = 0; i < dataset->images; i++)
    if (dataset->image_cells[i] < 1 || dataset->image_cells[i] > dataset->cells)
      return status_set(BAD_INPUT, "%s: image/cells [%d] is %d; 1 to %d was expected", dataset->path, i,
                        dataset->image_cells[i], dataset->cells);
  return OK;
}

static Status images_read(Dataset *dataset) {
  TRY(texts_read(dataset, "image/id", dataset->images, &dataset->image_id));
  TRY(texts_read(dataset, "image/file", dataset->images, &dataset->image_file));
  char **split = NULL;
  TRY(texts_read(dataset, "image/split", dataset->images, &split));
  dataset->image_split = xcalloc((size_t)dataset->images + 1, sizeof *dataset->image_split);
  Status status = OK;
  for (int i = 0; i < dataset->images; i++) {
    if (strlen(split[i]) >= SPLIT_NAME)
      status = status_set(BAD_INPUT, "%s: image/split [%d] is '%.40s'; a name of at most %d bytes was expected",
                          dataset->path, i, split[i], SPLIT_NAME - 1);
    else strcpy(dataset->image_split[i], split[i]);
  }
  texts_free(split, (size_t)dataset->images);
  return status == OK ? cells_read(dataset) : status;
}

/* caption/image must rise: captions of a picture stand together, pictures in order. */
static Status first_captions(Dataset *dataset, const int32_t *image) {
  dataset->image_first = xcalloc((size_t)dataset->images + 1, sizeof *dataset->image_first);
  int at = 0;
  for (int i = 0; i < dataset->images; i++) {
    dataset->image_first[i] = at;
    while (at < dataset->captions && image[at] == i) at++;
  }
  dataset->image_first[dataset->images] = at;
  if (at == dataset->captions) return OK;
  return status_set(BAD_INPUT,
                    "%s: caption/image [%d] is %d; the captions of pictures 0 to %d, in order, were expected",
                    dataset->path, at, image[at], dataset->images - 1);
}

static Status captions_read(Dataset *dataset) {
  const H5File *file = &dataset->file->file;
  size_t shape[2];
  TRY(h5_shape(file, "caption/tokens", H5_INT32, 2, shape));
  TRY(count_read(dataset->path, "caption/tokens", shape[0], &dataset->captions));
  if (shape[1] < 1 || shape[1] > 4096)
    return status_set(BAD_INPUT, "%s: caption/tokens has %zu columns; 1 to 4096 were expected", dataset->path,
                      shape[1]);
  dataset->token_stride = (int)shape[1];
  dataset->tokens = xmalloc((shape[0] * shape[1] + 1) * sizeof *dataset->tokens);
  TRY(h5_read(file, "caption/tokens", H5_INT32, 2, shape, dataset->tokens));
  dataset->length = xmalloc((shape[0] + 1) * sizeof *dataset->length);
  TRY(h5_read(file, "caption/length", H5_INT32, 1, shape, dataset->length));
  TRY(texts_read(dataset, "caption/text", dataset->captions, &dataset->text));
  TRY(texts_read(dataset, "caption/words", dataset->captions, &dataset->words));
  int32_t *image = xmalloc((shape[0] + 1) * sizeof *image);
  Status status = h5_read(file, "caption/image", H5_INT32, 1, shape, image);
  if (status == OK) status = first_captions(dataset, image);
  free(image);
  return status;
}

static Status vocabulary_read(Dataset *dataset) {
  size_t found;
  TRY(h5_read_vocabulary(&dataset->file->file, &dataset->kind, &dataset->token, &found));
  TRY(count_read(dataset->path, "vocabulary/token", found, &dataset->vocabulary));
  for (int i = 0; i < WORDS_SPECIAL; i++)
    if (i >= dataset->vocabulary || strcmp(dataset->token[i], WORD_SPECIAL_NAMES[i]) != 0)
      return status_set(BAD_INPUT, "%s: vocabulary/token [%d] is %s; %s was expected", dataset->path, i,
                        i < dataset->vocabulary ? dataset->token[i] : "not there", WORD_SPECIAL_NAMES[i]);
  for (int c = 0; c < dataset->captions; c++) {
    int32_t length = dataset->length[c];
    if (length < 1 || length > dataset->token_stride)
      return status_set(BAD_INPUT, "%s: caption/length [%d] is %d; 1 to %d was expected", dataset->path, c, length,
                        dataset->token_stride);
    for (int t = 0; t < length; t++) {
      int32_t id = dataset->tokens[(size_t)c * (size_t)dataset->token_stride + (size_t)t];
      if (id < 0 || id >= dataset->vocabulary)
        return status_set(BAD_INPUT, "%s: caption/tokens [%d, %d] is %d; 0 to %d was expected", dataset->path, c, t, id,
                          dataset->vocabulary - 1);
    }
  }
  return OK;
}

static Status ngrams_read(Dataset *dataset) {
  const H5File *file = &dataset->file->file;
  int64_t documents;
  size_t frequencies;
  TRY(h5_map(file, "ngram/key", H5_UINT64, &dataset->ngrams, &dataset->file->ngram_key));
  TRY(h5_map(file, "ngram/df", H5_FLOAT, &frequencies, &dataset->file->ngram_df));
  if (frequencies != dataset->ngrams)
    return status_set(BAD_INPUT, "%s: ngram/df has shape %zu; %zu was expected", dataset->path, frequencies,
                      dataset->ngrams);
  dataset->ngram_key = dataset->file->ngram_key.values;
  dataset->ngram_df = dataset->file->ngram_df.values;
  TRY(h5_read_integer(file, "ngram", "documents", &documents));
  if (documents < 0 || documents > dataset->images)
    return status_set(BAD_INPUT, "%s: ngram/documents is %lld; 0 to %d was expected", dataset->path,
                      (long long)documents, dataset->images);
  dataset->ngram_documents = (int)documents;
  for (size_t i = 0; i < dataset->ngrams; i++) {
    if (i && dataset->ngram_key[i] <= dataset->ngram_key[i - 1])
      return status_set(BAD_INPUT, "%s: ngram/key [%zu] is not above the one before; rising keys were expected",
                        dataset->path, i);
    if (!(dataset->ngram_df[i] >= 1 && dataset->ngram_df[i] <= (float)documents))
      return status_set(BAD_INPUT, "%s: ngram/df [%zu] is %g; 1 to %lld was expected", dataset->path, i,
                        (double)dataset->ngram_df[i], (long long)documents);
  }
  return OK;
}

static Status attributes_read(Dataset *dataset) {
  const H5File *file = &dataset->file->file;
  TRY(h5_read_text(file, "/", "encoder", dataset->encoder, sizeof dataset->encoder));
  TRY(h5_read_text(file, "/", "encoder_hash", dataset->encoder_hash, sizeof dataset->encoder_hash));
  TRY(h5_read_text(file, "/", "preprocessing", dataset->preprocessing, sizeof dataset->preprocessing));
  TRY(h5_read_text(file, "/", "features_hash", dataset->file->features_hash, sizeof dataset->file->features_hash));
  return h5_read_text(file, "/", "content_hash", dataset->content_hash, sizeof dataset->content_hash);
}

static Status row_read(Dataset *dataset, int image, void *row) {
  struct DatasetFile *file = dataset->file;
  hsize_t start[3] = {(hsize_t)image, 0, 0}, size[3] = {1, (hsize_t)dataset->cells, (hsize_t)dataset->features};
  if (H5Sselect_hyperslab(file->in_file, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
      H5Dread(file->array, file->type, file->in_memory, file->in_file, H5P_DEFAULT, row) < 0)
    return status_set(FAILED, "%s: features of picture %d cannot be read: truncated or damaged", dataset->path, image);
  return OK;
}

static Status features_verify(Dataset *dataset) {
  size_t row = (size_t)dataset->cells * (size_t)dataset->features * (dataset->file->half ? 2 : 4);
  void *bytes = xmalloc(row);
  char found[HASH_TEXT];
  Hasher *hasher = hash_begin();
  Status status = OK;
  for (int i = 0; i < dataset->images && status == OK; i++) {
    status = row_read(dataset, i, bytes);
    hash_add(hasher, bytes, row);
  }
  hash_end(hasher, found);
  free(bytes);
  if (status == OK && strcmp(found, dataset->file->features_hash) != 0)
    status = status_set(BAD_INPUT, "%s: the features do not fit their hash %s: the file is damaged", dataset->path,
                        dataset->file->features_hash);
  return status;
}

static Status dataset_read(Dataset *dataset, bool verify_hash) {
  TRY(h5_open(&dataset->file->file, dataset->path));
  TRY(h5_check_format(&dataset->file->file, "troupe-dataset", DATASET_VERSION));
  TRY(attributes_read(dataset));
  TRY(features_open(dataset));
  TRY(images_read(dataset));
  TRY(captions_read(dataset));
  TRY(vocabulary_read(dataset));
  TRY(ngrams_read(dataset));
  char found[HASH_TEXT];
  dataset_content_hash(dataset, dataset->file->features_hash, found);
  if (strcmp(found, dataset->content_hash) != 0)
    return status_set(BAD_INPUT, "%s: the content does not fit its hash %s: the file is damaged", dataset->path,
                      dataset->content_hash);
  h5_map_rest(&dataset->file->ngram_key); /* the hash has read all of them, and a learner needs none */
  h5_map_rest(&dataset->file->ngram_df);
  return verify_hash ? features_verify(dataset) : OK;
}

Status dataset_open(Dataset *dataset, const char *path, bool verify_hash) {
  *dataset = (Dataset){.path = xstrdup(path), .file = xcalloc(1, sizeof *dataset->file)};
  *dataset->file = (struct DatasetFile){
      .array = H5I_INVALID_HID, .in_file = H5I_INVALID_HID, .in_memory = H5I_INVALID_HID, .type = H5I_INVALID_HID};
  h5_guard_begin(path);
  Status status = file_exists(path)
                      ? dataset_read(dataset, verify_hash)
                      : status_set(BAD_INPUT, "%s: no such file; a dataset made by troupe prepare was expected", path);
  if (status != OK) dataset_close(dataset);
  h5_guard_end();
  return status;
}

void dataset_close(Dataset *dataset) {
  struct DatasetFile *file = dataset->file;
  if (file) {
    if (file->in_memory >= 0) H5Sclose(file->in_memory);
    if (file->in_file >= 0) H5Sclose(file->in_file);
    if (file->type >= 0) H5Tclose(file->type);
    if (file->array >= 0) H5Dclose(file->array);
    h5_close(&file->file);
    h5_map_free(&file->ngram_key);
    h5_map_free(&file->ngram_df);
    free(file->packed);
    free(file);
  } else { /* made to be written */
    free(dataset->ngram_key);
    free(dataset->ngram_df);
  }
  texts_free(dataset->image_id, (size_t)dataset->images);
  texts_free(dataset->image_file, (size_t)dataset->images);
  texts_free(dataset->text, (size_t)dataset->captions);
  texts_free(dataset->words, (size_t)dataset->captions);
  texts_free(dataset->token, (size_t)dataset->vocabulary);
  free(dataset->image_split);
  free(dataset->image_first);
  free(dataset->image_cells);
  free(dataset->tokens);
  free(dataset->length);
  free(dataset->path);
  *dataset = (Dataset){0};
}

Status dataset_features(Dataset *dataset, int image, float *features) {
  CHECK(image >= 0 && image < dataset->images);
  if (!dataset->file->half) return row_read(dataset, image, features);
  TRY(row_read(dataset, image, dataset->file->packed));
  half_to_float(dataset->file->packed, features, (size_t)dataset->cells * (size_t)dataset->features);
  return OK;
}

/* " 'train' 'val'": the splits that are there. */
static void splits_list(const Dataset *dataset, char *list, size_t size) {
  list[0] = 0;
  for (int i = 0; i < dataset->images; i++) {
    int seen = 0;
    for (int k = 0; k < i && !seen; k++) seen = strcmp(dataset->image_split[k], dataset->image_split[i]) == 0;
    size_t used = strlen(list);
    if (!seen && used + SPLIT_NAME + 4 < size) snprintf(list + used, size - used, " '%s'", dataset->image_split[i]);
  }
}

Status dataset_split(const Dataset *dataset, const char *split, int32_t **images, int *count) {
  *images = xmalloc(((size_t)dataset->images + 1) * sizeof **images);
  *count = 0;
  for (int i = 0; i < dataset->images; i++)
    if (strcmp(dataset->image_split[i], split) == 0) (*images)[(*count)++] = i;
  if (*count) return OK;
  free(*images);
  *images = NULL;
  char list[256];
  splits_list(dataset, list, sizeof list);
  return status_set(
      BAD_INPUT,
      "%s: has no split '%s'; it has%s: one of them was expected, or `troupe prepare --split %s=LIST` (or =10%%) makes it",
      dataset->path, split, *list ? list : " none", split);
}
