/* Caption files in JSON: Karpathy's dataset_*.json and COCO's captions_*.json. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/captions_list.h"

bool caption_id_text(const json_t *value, char *text, size_t size) {
  if (json_is_integer(value)) snprintf(text, size, "%lld", (long long)json_integer_value(value));
  else if (json_is_string(value) && json_string_length(value) < size)
    snprintf(text, size, "%s", json_string_value(value));
  else return false;
  return true;
}

static void id_set(CaptionImage *image, const char *id) {
  free(image->id);
  image->id = xstrdup(id);
}

static Status add_picture(CaptionList *list, const char *path, size_t index, const char *file, int *picture) {
  const char *fault = picture_name_fault(file, strlen(file));
  if (fault) return status_set(BAD_INPUT, "%s: images[%zu]: %s", path, index, fault);
  if (names_find(&list->files, file, strlen(file)) >= 0)
    return status_set(BAD_INPUT, "%s: images[%zu]: %s is there twice", path, index, file);
  *picture = caption_list_picture(list, file, strlen(file));
  return OK;
}

static Status karpathy_image(CaptionList *list, const char *path, size_t index, const json_t *entry) {
  const char *name = json_string_value(json_object_get(entry, "filename"));
  const char *folder = json_string_value(json_object_get(entry, "filepath"));
  const char *split = json_string_value(json_object_get(entry, "split"));
  const json_t *sentences = json_object_get(entry, "sentences"), *sentence;
  if (!name || !split || !json_is_array(sentences))
    return status_set(BAD_INPUT, "%s: images[%zu]: filename, split and sentences were expected", path, index);
  char *file = folder && *folder ? xasprintf("%s/%s", folder, name) : xstrdup(name);
  int picture;
  Status status = add_picture(list, path, index, file, &picture);
  free(file);
  TRY(status);
  CaptionImage *image = &list->images[picture];
  char id[256];
  if (caption_id_text(json_object_get(entry, "cocoid"), id, sizeof id)) id_set(image, id);
  free(image->split);
  image->split = xstrdup(strcmp(split, "restval") == 0 ? "train" : split);
  size_t k;
  json_array_foreach(sentences, k, sentence) {
    const char *raw = json_string_value(json_object_get(sentence, "raw"));
    if (!raw) return status_set(BAD_INPUT, "%s: images[%zu].sentences[%zu]: a string raw was expected", path, index, k);
    caption_list_add(list, picture, raw, strlen(raw));
  }
  return OK;
}

static Status coco_images(CaptionList *list, Names *ids, const char *path, const json_t *images) {
  size_t k;
  const json_t *entry;
  json_array_foreach(images, k, entry) {
    const char *name = json_string_value(json_object_get(entry, "file_name"));
    char id[256];
    if (!name || !caption_id_text(json_object_get(entry, "id"), id, sizeof id))
      return status_set(BAD_INPUT, "%s: images[%zu]: id and file_name were expected", path, k);
    if (names_find(ids, id, strlen(id)) >= 0)
      return status_set(BAD_INPUT, "%s: images[%zu]: id %s is there twice", path, k, id);
    int picture;
    TRY(add_picture(list, path, k, name, &picture));
    names_append(ids, id, strlen(id));
    id_set(&list->images[picture], id);
  }
  return OK;
}

static Status coco_captions(CaptionList *list, const Names *ids, const char *path, const json_t *annotations) {
  size_t k;
  const json_t *entry;
  json_array_foreach(annotations, k, entry) {
    const char *caption = json_string_value(json_object_get(entry, "caption"));
    char id[256];
    if (!caption || !caption_id_text(json_object_get(entry, "image_id"), id, sizeof id))
      return status_set(BAD_INPUT, "%s: annotations[%zu]: image_id and caption were expected", path, k);
    int picture = names_find(ids, id, strlen(id));
    if (picture < 0)
      return status_set(BAD_INPUT, "%s: annotations[%zu]: image_id %s is not among the images", path, k, id);
    caption_list_add(list, picture, caption, strlen(caption));
  }
  return OK;
}

Status captions_parse_json_root(CaptionList *list, const char *path, const json_t *root) {
  const json_t *images = json_object_get(root, "images"), *annotations = json_object_get(root, "annotations"), *entry;
  if (!json_is_array(images))
    return status_set(BAD_INPUT,
                      "%s: has no list images; Karpathy's dataset_*.json or COCO's captions_*.json was expected", path);
  if (json_is_array(annotations)) {
    Names ids = {0};
    Status status = coco_images(list, &ids, path, images);
    if (status == OK) status = coco_captions(list, &ids, path, annotations);
    names_free(&ids);
    return status;
  }
  size_t k;
  if (json_object_get(root, "ix_to_word"))
    return status_set(BAD_INPUT, "%s: is a cocotalk.json: its captions are in cocotalk_label.h5, given by --labels",
                      path);
  json_array_foreach(images, k, entry) TRY(karpathy_image(list, path, k, entry));
  return OK;
}

Status captions_parse_json(CaptionList *list, const char *path, const char *bytes, size_t size) {
  json_error_t error;
  json_t *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
  if (!root) return status_set(BAD_INPUT, "%s:%d: not JSON: %s", path, error.line, error.text);
  Status status = captions_parse_json_root(list, path, root);
  json_decref(root);
  return status;
}
