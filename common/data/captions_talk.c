/* Captions as self-critical.pytorch prepares them: cocotalk.json (images[].{id, file_path, split}, ix_to_word) with
 * cocotalk_label.h5 (labels [captions, length] of word numbers from 1, 0 behind the last; label_start_ix, label_end_ix [images]
 * count captions from 1, the last one included). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/data/captions_list.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"

typedef struct Labels {
  int32_t *words, *start, *end;
  size_t captions, length, images;
} Labels;

static void labels_free(Labels *labels) {
  free(labels->words);
  free(labels->start);
  free(labels->end);
}

static Status integers_read(const H5File *file, const char *name, int wanted, size_t shape[H5_RANK], int32_t **values) {
  int rank;
  TRY(h5_any_shape(file, name, true, &rank, shape));
  if (rank != wanted)
    return status_set(BAD_INPUT, "%s: %s has %d dimensions; %d were expected", file->path, name, rank, wanted);
  size_t count = rank == 2 ? shape[0] * shape[1] : shape[0];
  *values = xmalloc((count + 1) * sizeof **values);
  return h5_any_integers(file, name, count, *values);
}

static Status labels_read(Labels *labels, const H5File *file) {
  size_t shape[H5_RANK];
  TRY(integers_read(file, "labels", 2, shape, &labels->words));
  labels->captions = shape[0];
  labels->length = shape[1];
  TRY(integers_read(file, "label_start_ix", 1, shape, &labels->start));
  labels->images = shape[0];
  TRY(integers_read(file, "label_end_ix", 1, shape, &labels->end));
  if (shape[0] == labels->images) return OK;
  return status_set(BAD_INPUT, "%s: label_start_ix has %zu entries, label_end_ix %zu; the same number was expected",
                    file->path, labels->images, shape[0]);
}

/* The words of caption `row` (from 0) as text. UNK becomes <unk>, which no vocabulary takes for a word. */
static Status caption_take(CaptionList *list, int picture, const char *path, const json_t *words, const Labels *labels,
                           size_t row) {
  const int32_t *ids = labels->words + row * labels->length;
  char *text = xstrdup("");
  size_t used = 0;
  Status status = OK;
  for (size_t t = 0; t < labels->length && ids[t] != 0 && status == OK; t++) {
    char number[16];
    snprintf(number, sizeof number, "%d", (int)ids[t]);
    const char *word = json_string_value(json_object_get(words, number));
    if (!word) {
      status = status_set(BAD_INPUT, "%s: labels[%zu]: word %s is not in ix_to_word", path, row, number);
      continue;
    }
    if (strcmp(word, "UNK") == 0) word = "<unk>";
    size_t n = strlen(word);
    text = xrealloc(text, used + n + 2);
    if (used) text[used++] = ' ';
    memcpy(text + used, word, n + 1);
    used += n;
  }
  if (status == OK) caption_list_add(list, picture, text, used);
  free(text);
  return status;
}

static Status image_take(CaptionList *list, const char *json, const char *h5, size_t index, const json_t *entry,
                         const json_t *words, const Labels *labels) {
  char id[256];
  if (!caption_id_text(json_object_get(entry, "id"), id, sizeof id))
    return status_set(BAD_INPUT, "%s: images[%zu]: an id was expected", json, index);
  const char *split = json_string_value(json_object_get(entry, "split"));
  const char *path = json_string_value(json_object_get(entry, "file_path"));
  const char *file = path && *path ? path : id, *fault = picture_name_fault(file, strlen(file));
  if (fault) return status_set(BAD_INPUT, "%s: images[%zu]: %s", json, index, fault);
  if (names_find(&list->files, file, strlen(file)) >= 0)
    return status_set(BAD_INPUT, "%s: images[%zu]: %s is there twice", json, index, file);
  int picture = caption_list_picture(list, file, strlen(file));
  CaptionImage *image = &list->images[picture];
  free(image->id), free(image->split);
  image->id = xstrdup(id);
  image->split = xstrdup(!split || strcmp(split, "restval") == 0 ? "train" : split);
  long first = labels->start[index], last = labels->end[index];
  if (first < 1 || last < first - 1 || last > (long)labels->captions)
    return status_set(BAD_INPUT, "%s: label_start_ix and label_end_ix [%zu] are %ld and %ld; 1 to %zu was expected", h5,
                      index, first, last, labels->captions);
  for (long row = first; row <= last; row++) TRY(caption_take(list, picture, h5, words, labels, (size_t)row - 1));
  return OK;
}

static Status talk_take(CaptionList *list, const char *json, const json_t *root, const char *h5, const Labels *labels) {
  const json_t *images = json_object_get(root, "images"), *words = json_object_get(root, "ix_to_word"), *entry;
  if (!json_is_array(images) || !json_is_object(words))
    return status_set(BAD_INPUT, "%s: images and ix_to_word were expected, as cocotalk.json has them", json);
  if (json_array_size(images) != labels->images)
    return status_set(BAD_INPUT, "%s: has %zu images, %s labels of %zu", json, json_array_size(images), h5,
                      labels->images);
  size_t k;
  json_array_foreach(images, k, entry) TRY(image_take(list, json, h5, k, entry, words, labels));
  return list->files.count ? OK : status_set(BAD_INPUT, "%s: has no captions", json);
}

Status captions_read_labelled(CaptionList *list, const char *json_path, const char *labels_path) {
  json_t *root = NULL;
  H5File file = {.id = H5I_INVALID_HID};
  Labels labels = {0};
  *list = (CaptionList){0};
  Status status = json_read(json_path, &root);
  h5_guard_begin(labels_path);
  if (status == OK) status = h5_open(&file, labels_path);
  if (status == OK) status = labels_read(&labels, &file);
  h5_guard_end();
  if (status == OK) status = talk_take(list, json_path, root, labels_path, &labels);
  if (status != OK) caption_list_free(list);
  labels_free(&labels);
  h5_close(&file);
  json_decref(root);
  return status;
}
