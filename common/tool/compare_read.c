/* Evaluations of a folder, sorted into rows and seeds. */
#include "common/tool/compare_read.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

static const char *const kinds[COMPARE_KINDS] = {"greedy", "beam5", "samples"};

const char *compare_kind_name(CompareKind kind) { return kinds[kind]; }

CompareRow *compare_row(CompareSet *set, const char *name) {
  for (int i = 0; i < set->rows; i++)
    if (strcmp(set->row[i].name, name) == 0) return &set->row[i];
  return NULL;
}

static Status row_add(CompareSet *set, const char *name, CompareRow **row) {
  if (set->rows == COMPARE_ROWS)
    return status_set(BAD_INPUT, "more than %d rows; --rows A,B chooses fewer", COMPARE_ROWS);
  *row = &set->row[set->rows++];
  (*row)->name = xstrdup(name);
  return OK;
}

static Status seed_find(CompareRow *row, const char *seed, int *at) {
  for (*at = 0; *at < row->seeds; ++*at)
    if (strcmp(row->seed[*at], seed) == 0) return OK;
  if (row->seeds == COMPARE_SEEDS) return status_set(BAD_INPUT, "%s: more than %d seeds", row->name, COMPARE_SEEDS);
  row->seed[row->seeds++] = xstrdup(seed);
  return OK;
}

/* "scst-lr2e-5-s1.greedy.json" -> "scst-lr2e-5", "1", COMPARE_GREEDY; false for files of other names. Cuts `file` up. */
static bool name_split(char *file, char **row, char **seed, CompareKind *kind) {
  size_t length = strlen(file);
  if (length <= 5 || strcmp(file + length - 5, ".json") != 0) return false;
  file[length - 5] = 0;
  char *dot = strrchr(file, '.');
  if (!dot) return false;
  *dot = 0;
  char *dash = NULL;
  for (char *at = file; (at = strstr(at, "-s")); at += 2) dash = at;
  if (!dash || dash == file || !dash[2] || dash[2 + strspn(dash + 2, "0123456789")]) return false;
  *dash = 0;
  *row = file;
  *seed = dash + 2;
  for (int k = 0; k < COMPARE_KINDS; k++) {
    if (strcmp(kinds[k], dot + 1) != 0) continue;
    *kind = (CompareKind)k;
    return true;
  }
  return false;
}

static Status file_take(CompareSet *set, const char *folder, const char *name, bool all) {
  char *row_name, *seed, *parts = xstrdup(name), *path = path_join(folder, name);
  CompareKind kind;
  Status status = OK;
  if (name_split(parts, &row_name, &seed, &kind)) {
    CompareRow *row = compare_row(set, row_name);
    json_t *root = NULL;
    int at = 0;
    if (!row && all) status = row_add(set, row_name, &row);
    if (row && status == OK) status = json_read(path, &root);
    if (root &&
        (!json_is_object(json_object_get(root, "corpus")) || !json_is_object(json_object_get(root, "per_image")))) {
      json_decref(root);
      root = NULL;
      status = status_set(BAD_INPUT, "%s: what `troupe evaluate --json --per-image` prints was expected", path);
    }
    if (root && status == OK) status = seed_find(row, seed, &at);
    if (root && status == OK) row->result[at][kind] = root;
    else json_decref(root);
  }
  free(parts);
  free(path);
  return status;
}

Status compare_read(CompareSet *set, const char *folder, const char *rows) {
  struct dirent **entry;
  Status status = OK;
  char *list = xstrdup(rows ? rows : ""), *rest = list, *name;
  *set = (CompareSet){0};
  while (status == OK && (name = strsep(&rest, ",")))
    if (*name && !compare_row(set, name)) status = row_add(set, name, &(CompareRow *){NULL});
  free(list);
  TRY(status);
  int count = scandir(folder, &entry, NULL, versionsort);
  if (count < 0) return status_set(BAD_INPUT, "%s: %s; a folder of results was expected", folder, strerror(errno));
  for (int i = 0; i < count; i++) {
    if (status == OK) status = file_take(set, folder, entry[i]->d_name, !rows);
    free(entry[i]);
  }
  free(entry);
  return status;
}

void compare_free(CompareSet *set) {
  for (int i = 0; i < set->rows; i++) {
    CompareRow *row = &set->row[i];
    for (int s = 0; s < row->seeds; s++) {
      for (int k = 0; k < COMPARE_KINDS; k++) json_decref(row->result[s][k]);
      free(row->seed[s]);
    }
    free(row->name);
  }
  set->rows = 0;
}

static bool seed_has(const CompareRow *row, const char *seed, CompareKind kind) {
  for (int s = 0; s < row->seeds; s++)
    if (strcmp(row->seed[s], seed) == 0) return row->result[s][kind] != NULL;
  return false;
}

Status compare_images(const CompareRow *row, const CompareRow *with, CompareKind kind, const char ***ids,
                      double **cider, int *count, int *seeds) {
  *ids = NULL, *cider = NULL, *count = *seeds = 0;
  for (int s = 0; s < row->seeds; s++) {
    json_t *images = json_object_get(row->result[s][kind], "per_image"), *image;
    if (!images || !seed_has(with, row->seed[s], kind)) continue;
    const char *id;
    if (!(*seeds)++) {
      *ids = xcalloc(json_object_size(images) + 1, sizeof **ids);
      *cider = xcalloc(json_object_size(images) + 1, sizeof **cider);
      json_object_foreach(images, id, image)(*ids)[(*count)++] = id;
    }
    for (int i = 0; i < *count; i++) {
      const json_t *value = json_object_get(json_object_get(images, (*ids)[i]), "CIDEr");
      if (!json_is_number(value) || (int)json_object_size(images) != *count) {
        status_set(BAD_INPUT, "%s-s%s.%s.json: no CIDEr of %s, or other pictures than the seeds before", row->name,
                   row->seed[s], kinds[kind], (*ids)[i]);
        free(*ids), free(*cider);
        *ids = NULL, *cider = NULL;
        return BAD_INPUT;
      }
      (*cider)[i] += json_number_value(value);
    }
  }
  for (int i = 0; i < *count; i++) (*cider)[i] /= *seeds;
  return OK;
}
