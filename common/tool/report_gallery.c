/* The gallery: which pictures, what is known of them, and the two policies of a run. */
#include "common/tool/report_gallery.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/model/caption_split.h"
#include "common/model/policy.h"
#include "common/tensor/gemm.h"
#include "common/tool/report.h"
#include "common/tool/report_look.h"
#include "common/vision/thumbnail.h"

enum { THUMBNAIL_SIDE = 360 };

typedef struct Source {
  ReportGallery *gallery; /* borrowed, with the run's name */
  const char *name;
  int run;
  Config config;
  Dataset dataset;
  int32_t *images; /* [count]: the pictures chosen, owned */
  int count, missing;
} Source;

void report_gallery_init(ReportGallery *gallery, const char *folder, int limit) {
  *gallery = (ReportGallery){.folder = folder, .limit = limit, .pictures = json_array(), .notes = json_array()};
}

void report_gallery_free(ReportGallery *gallery) {
  json_decref(gallery->pictures);
  json_decref(gallery->notes);
}

json_t *report_gallery_json(const ReportGallery *gallery) {
  return json_pack("{s:O, s:O}", "pictures", gallery->pictures, "notes", gallery->notes);
}

/* --- pictures ---------------------------------------------------------------------------------------------------- */

/* The file of a picture: in the folder that was named, else beside the dataset DATA.h5: Images/, DATA/Images/, DATA/. NULL: not
 * found. Owned by the caller. */
static char *picture_find(const Source *source, const char *file) {
  if (source->gallery->folder) {
    char *path = path_join(source->gallery->folder, file);
    if (file_exists(path)) return path;
    free(path);
    return NULL;
  }
  char *folder = path_folder(source->dataset.path), *stem = xstrdup(path_name(source->dataset.path));
  char *dot = strrchr(stem, '.');
  if (dot) *dot = 0;
  char *tries[] = {xstrdup(file), path_join(folder, file), xasprintf("%s/Images/%s", folder, file),
                   xasprintf("%s/%s/Images/%s", folder, stem, file), xasprintf("%s/%s/%s", folder, stem, file)};
  char *found = NULL;
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    if (!found && file_exists(tries[i])) found = tries[i];
    else free(tries[i]);
  }
  free(folder);
  free(stem);
  return found;
}

static json_t *picture_source(Source *source, const char *file) {
  char *path = picture_find(source, file);
  unsigned char *bytes;
  size_t size;
  json_t *src = NULL;
  if (path && thumbnail_make(path, THUMBNAIL_SIDE, &bytes, &size) == OK) {
    char *text = base64_text("data:image/jpeg;base64,", bytes, size);
    src = json_string(text);
    free(text);
    free(bytes);
  }
  free(path);
  if (!src) source->missing++;
  return src ? src : json_null();
}

/* The picture's entry, made when it is the first to ask for it. */
static json_t *picture_entry(Source *source, int image) {
  const Dataset *dataset = &source->dataset;
  size_t i;
  json_t *entry;
  json_array_foreach(source->gallery->pictures, i, entry) if (strcmp(json_string_value(json_object_get(entry, "file")),
                                                                     dataset->image_file[image]) == 0) return entry;
  json_t *references = json_array();
  for (int c = dataset->image_first[image]; c < dataset->image_first[image + 1]; c++)
    json_array_append_new(references, json_text(dataset->text[c]));
  entry = json_pack("{s:o, s:o, s:o, s:o, s:o, s:[]}", "id", json_text(dataset->image_id[image]), "file",
                    json_text(dataset->image_file[image]), "split", json_text(dataset->image_split[image]), "src",
                    picture_source(source, dataset->image_file[image]), "references", references, "captions");
  json_array_append_new(source->gallery->pictures, entry);
  return entry;
}

/* --- which pictures ---------------------------------------------------------------------------------------------- */

static void choose(Source *source, int image) {
  for (int i = 0; i < source->count; i++)
    if (strcmp(source->dataset.image_file[source->images[i]], source->dataset.image_file[image]) == 0) return;
  source->images[source->count++] = image;
}

static void choose_file(Source *source, const char *file) {
  for (int i = 0; file && i < source->dataset.images; i++)
    if (strcmp(source->dataset.image_file[i], file) == 0) {
      choose(source, i);
      return;
    }
}

/* The first of the validation split, and those whose samples the run kept, from its beginning to its end. */
static void pictures_choose(Source *source, const json_t *run) {
  int limit = source->gallery->limit, count = 0;
  int32_t *first = NULL;
  source->images = xcalloc(2 * (size_t)limit + 1, sizeof *source->images);
  if (caption_split_images(&source->dataset, source->config.data.validation, limit, &first, &count) == OK)
    for (int i = 0; i < count; i++) choose(source, first[i]);
  free(first);
  const json_t *groups = json_object_get(run, "samples");
  size_t kept = json_array_size(groups), wanted = kept < (size_t)limit ? kept : (size_t)limit;
  for (size_t i = 0; i < wanted; i++) {
    size_t at = wanted > 1 ? i * (kept - 1) / (wanted - 1) : 0;
    choose_file(source, json_string_value(json_object_get(json_array_get(groups, at), "image")));
  }
}

/* --- policies ---------------------------------------------------------------------------------------------------- */

static Status captions_add(Source *source, const char *path, const char *when) {
  Checkpoint checkpoint = {0};
  ParamTable table = {0};
  json_t *captions = NULL, *caption;
  size_t i;
  Status status = checkpoint_load(&checkpoint, &table, path, 1);
  if (status == OK) status = policy_fits_dataset(&checkpoint, path, &source->dataset);
  if (status == OK)
    status = report_look(&source->dataset, &table, checkpoint.weights, &source->config, source->images, source->count,
                         &captions);
  if (status == OK) json_array_foreach(captions, i, caption) {
      json_object_set_new(caption, "run", json_integer(source->run));
      json_object_set_new(caption, "when", json_string(when));
      json_array_append(json_object_get(picture_entry(source, source->images[i]), "captions"), caption);
    }
  if (status == OK) json_decref(captions);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

/* Where the policy after training is: the best one, else the newest. Owned by the caller. */
static char *after_path(const char *folder) {
  static const char *const names[] = {"best.h5", "latest"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char *path = xasprintf("%s/checkpoints/%s", folder, names[i]);
    if (file_exists(path)) return path;
    free(path);
  }
  return NULL;
}

/* A file that the configuration names: from here or, as runs may be looked at from elsewhere, from a folder above the run's.
 * Owned by the caller. */
static char *file_of(const char *run_folder, const char *name) {
  char *above = realpath(run_folder, NULL), *found = NULL;
  while (above && *name != '/' && !file_exists(name) && !found && strrchr(above, '/')) {
    *strrchr(above, '/') = 0;
    found = path_join(*above ? above : "/", name);
    if (file_exists(found)) break;
    free(found);
    found = NULL;
  }
  free(above);
  return found ? found : xstrdup(name);
}

static Status before_add(Source *source, const char *folder, const char *stage) {
  if (strcmp(stage, "train") != 0 || strcmp(source->config.policy.init, "random") == 0) return OK;
  char *name = config_initial_policy(&source->config), *path = file_of(folder, name);
  Status status = file_exists(path) ? captions_add(source, path, "before")
                                    : status_set(BAD_INPUT, "%s is not there: no captions before training", path);
  free(path);
  free(name);
  return status;
}

static Status source_open(Source *source, const char *folder) {
  char *yaml = path_join(folder, "config.yaml");
  config_init(&source->config);
  Status status = config_read(&source->config, yaml);
  free(yaml);
  TRY(status);
  char *file = file_of(folder, source->config.data.file);
  status = dataset_open(&source->dataset, file, false);
  free(file);
  return status;
}

static Status source_add(Source *source, const json_t *run, const char *folder) {
  TRY(source_open(source, folder));
  pictures_choose(source, run);
  omp_set_num_threads(1); /* one caption at a time: threads would only wait for each other */
  gemm_init();
  policy_precision(&source->config);
  const char *stage = json_string_value(json_object_get(run, "stage"));
  char *after = after_path(folder);
  if (!after) return status_set(BAD_INPUT, "no checkpoint yet: no captions");
  Status before = before_add(source, folder, stage);
  if (before != OK) report_note(source->gallery->notes, "%s: %s", source->name, status_message());
  Status status = captions_add(source, after, "after");
  free(after);
  return status;
}

void report_gallery_add(ReportGallery *gallery, const json_t *run, int index) {
  const char *name = json_string_value(json_object_get(run, "name"));
  Source source = {.gallery = gallery, .name = name, .run = index};
  if (!gallery->limit || json_is_null(json_object_get(run, "config"))) return;
  if (source_add(&source, run, json_string_value(json_object_get(run, "path"))) != OK)
    report_note(gallery->notes, "%s: %s", name, status_message());
  if (source.missing)
    report_note(gallery->notes, "%s: %d picture file%s of %s not found; --images FOLDER says where they are", name,
                source.missing, source.missing == 1 ? "" : "s", source.dataset.path);
  free(source.images);
  dataset_close(&source.dataset);
  config_free(&source.config);
}
