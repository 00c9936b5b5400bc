/* Caption maps: COCO results and annotations, plain maps, and whatever captions.c reads. */
#include "common/data/captions_map.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/json_pool.h"
#include "common/data/captions_list.h"

enum { ID_MAX = 1024 };

static void add_caption(CaptionList *list, int picture, const json_t *caption) {
  caption_list_add(list, picture, json_string_value(caption), json_string_length(caption));
}

/* --- lists of {image_id, caption}: COCO's results, and the annotations of its captions_*.json ----------------------- */

static Status entries_read(CaptionList *list, const char *path, const char *name, const json_t *entries, bool known) {
  size_t k;
  const json_t *entry;
  json_array_foreach(entries, k, entry) {
    const json_t *caption = json_object_get(entry, "caption");
    char id[ID_MAX];
    if (!json_is_string(caption) || !caption_id_text(json_object_get(entry, "image_id"), id, sizeof id))
      return status_set(BAD_INPUT, "%s: %s[%zu]: image_id and a string caption were expected", path, name, k);
    if (known && names_find(&list->files, id, strlen(id)) < 0)
      return status_set(BAD_INPUT, "%s: %s[%zu]: image_id %s is not among the images", path, name, k, id);
    add_caption(list, caption_list_picture(list, id, strlen(id)), caption);
  }
  return OK;
}

static Status coco_read(CaptionList *list, const char *path, const json_t *images, const json_t *annotations) {
  size_t k;
  const json_t *entry;
  json_array_foreach(images, k, entry) {
    char id[ID_MAX];
    if (!caption_id_text(json_object_get(entry, "id"), id, sizeof id))
      return status_set(BAD_INPUT, "%s: images[%zu]: an id was expected", path, k);
    if (names_find(&list->files, id, strlen(id)) >= 0)
      return status_set(BAD_INPUT, "%s: images[%zu]: id %s is there twice", path, k, id);
    caption_list_picture(list, id, strlen(id));
  }
  return entries_read(list, path, "annotations", annotations, images != NULL);
}

/* --- {ID: captions} ------------------------------------------------------------------------------------------------- */

/* "caption" or {"caption": "caption"}; NULL for anything else. */
static const json_t *caption_of(const json_t *value) {
  if (json_is_object(value)) value = json_object_get(value, "caption");
  return json_is_string(value) ? value : NULL;
}

static Status map_read(CaptionList *list, const char *path, json_t *root) {
  const char *id;
  json_t *value;
  json_object_foreach(root, id, value) {
    int picture = caption_list_picture(list, id, strlen(id));
    size_t k, count = json_is_array(value) ? json_array_size(value) : 1;
    if (!count) return status_set(BAD_INPUT, "%s: %.64s: has no captions", path, id);
    for (k = 0; k < count; k++) {
      const json_t *caption = caption_of(json_is_array(value) ? json_array_get(value, k) : value);
      if (!caption)
        return status_set(BAD_INPUT,
                          "%s: %.64s: a caption or a list of captions was expected; formats: COCO annotations or "
                          "results, Karpathy's dataset_*.json, a map from id to captions",
                          path, id);
      add_caption(list, picture, caption);
    }
  }
  return OK;
}

/* --- Karpathy's pictures have several names ------------------------------------------------------------------------- */

static void key_add(CaptionMap *map, const char *name) {
  map->key_name[map->keys] = name;
  map->keys++;
}

static void name_add(Names *names, const char *text) { names_append(names, text, strlen(text)); }

static Status karpathy_read(CaptionMap *map, const char *path, const json_t *root) {
  TRY(captions_parse_json_root(&map->list, path, root));
  const json_t *images = json_object_get(root, "images");
  for (int i = 0; i < map->list.files.count; i++) {
    const json_t *entry = json_array_get(images, (size_t)i);
    char imgid[ID_MAX] = "";
    caption_id_text(json_object_get(entry, "imgid"), imgid, sizeof imgid);
    name_add(&map->key[0], map->list.images[i].id);
    name_add(&map->key[1], json_string_value(json_object_get(entry, "filename")));
    name_add(&map->key[2], map->list.files.text[i]);
    name_add(&map->key[3], imgid);
  }
  key_add(map, "cocoid or filename");
  key_add(map, "filename");
  key_add(map, "filepath/filename");
  key_add(map, "imgid");
  return OK;
}

static void keys_set(CaptionMap *map) {
  for (int i = 0; i < map->list.files.count; i++) name_add(&map->key[0], map->list.images[i].id);
  key_add(map, "id");
}

/* --- which format? -------------------------------------------------------------------------------------------------- */

static Status root_read(CaptionMap *map, const char *path, json_t *root) {
  if (json_is_array(root)) return entries_read(&map->list, path, "", root, false);
  const json_t *images = json_object_get(root, "images"), *annotations = json_object_get(root, "annotations");
  if (json_is_array(annotations) && (!json_array_size(annotations) || json_is_object(json_array_get(annotations, 0))))
    return coco_read(&map->list, path, json_is_array(images) ? images : NULL, annotations);
  if (json_is_array(images) && json_is_object(json_array_get(images, 0)) &&
      json_object_get(json_array_get(images, 0), "sentences"))
    return karpathy_read(map, path, root);
  return map_read(&map->list, path, root);
}

Status captions_map_parse(CaptionMap *map, const char *path, const char *bytes, size_t size) {
  *map = (CaptionMap){0};
  size_t skip = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* UTF-8's byte order mark */
  size_t blank = skip + strspn(bytes + skip, " \t\r\n");
  Status status;
  if (blank < size && (bytes[blank] == '{' || bytes[blank] == '[')) {
    json_error_t error;
    json_pool_open();
    json_t *root = json_loadb(bytes + skip, size - skip, JSON_REJECT_DUPLICATES, &error);
    status =
        root ? root_read(map, path, root) : status_set(BAD_INPUT, "%s:%d: not JSON: %s", path, error.line, error.text);
    json_pool_close(); /* with all that belongs to the root */
    if (status == OK && !map->list.files.count) status = status_set(BAD_INPUT, "%s: has no captions", path);
  } else {
    status = captions_parse(&map->list, path, bytes, size);
  }
  if (status == OK && !map->keys) keys_set(map);
  if (status != OK) captions_map_free(map);
  return status;
}

Status captions_map_read(CaptionMap *map, const char *path) {
  char *bytes;
  size_t size;
  *map = (CaptionMap){0};
  TRY(file_read(path, (size_t)4 << 30, &bytes, &size));
  Status status = captions_map_parse(map, path, bytes, size);
  free(bytes);
  return status;
}

void captions_map_free(CaptionMap *map) {
  for (int k = 0; k < CAPTION_KEYS; k++) names_free(&map->key[k]);
  caption_list_free(&map->list);
  *map = (CaptionMap){0};
}
