/* Ready features from folders and HDF5 files. */
#include "common/data/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/captions_list.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"
#include "common/data/npy.h"

enum { CELLS_MAX = 65536, FEATURES_MAX = 1 << 20 };

struct FeatureSource {
  char *path;
  bool folder;
  H5File file;
};

Status features_open(FeatureSource **source, const char *path) {
  FeatureSource *opened = xcalloc(1, sizeof *opened);
  *opened = (FeatureSource){.path = xstrdup(path), .folder = folder_exists(path), .file = {.id = H5I_INVALID_HID}};
  *source = NULL;
  if (!opened->folder) {
    h5_guard_begin(opened->path);
    Status status = h5_open(&opened->file, path);
    if (status != OK) {
      features_close(opened);
      return status_prefix(status, "--features: a folder or an HDF5 file was expected");
    }
  }
  *source = opened;
  return OK;
}

void features_close(FeatureSource *source) {
  if (!source) return;
  h5_close(&source->file);
  if (!source->folder) h5_guard_end();
  free(source->path);
  free(source);
}

bool features_parallel(const FeatureSource *source) { return source->folder; }

/* The array of a picture: a file's path or an array's name; owned. NULL when there is none of that name. */
static char *array_called(const FeatureSource *source, const char *name, size_t length) {
  static const char *const endings[2][2] = {{"", "_features"}, {".npz", ".npy"}};
  if (picture_name_fault(name, length)) return NULL;
  for (int i = 0; i < 2; i++) {
    char *entry = xasprintf("%.*s%s", (int)length, name, endings[source->folder][i]);
    char *path = source->folder ? path_join(source->path, entry) : xstrdup(entry);
    bool found = source->folder ? file_exists(path) : h5_has(&source->file, entry);
    free(entry);
    if (found) return path;
    free(path);
  }
  return NULL;
}

static Status array_find(const FeatureSource *source, const char *id, const char *file, char **array) {
  const char *name = path_name(file), *dot = strrchr(name, '.');
  *array = array_called(source, id, strlen(id));
  if (!*array && dot) *array = array_called(source, name, (size_t)(dot - name));
  if (!*array) *array = array_called(source, name, strlen(name));
  if (*array) return OK;
  return status_set(BAD_INPUT, "%s: has no features of picture %s%s%s%s; %s was expected", source->path, id,
                    strcmp(id, file) == 0 ? "" : " (", strcmp(id, file) == 0 ? "" : file,
                    strcmp(id, file) == 0 ? "" : ")", source->folder ? "a file ID.npz or ID.npy" : "an array ID");
}

/* [F], [N, F] or [rows, columns, F]. */
static Status shape_take(const char *array, int rank, const size_t *shape, int *cells, int *features) {
  size_t n = 1, f = rank > 0 ? shape[rank - 1] : 0;
  for (int i = 0; i + 1 < rank && rank <= 3; i++) n = shape[i] > CELLS_MAX ? CELLS_MAX + 1 : n * shape[i];
  if (rank < 1 || rank > 3 || n < 1 || n > CELLS_MAX || f < 1 || f > FEATURES_MAX)
    return status_set(BAD_INPUT, "%s: [F], [N, F] or [rows, columns, F] was expected, with N up to %d and F up to %d",
                      array, CELLS_MAX, FEATURES_MAX);
  *cells = (int)n;
  *features = (int)f;
  return OK;
}

static Status shape_of(FeatureSource *source, const char *array, int *cells, int *features) {
  if (source->folder) {
    NpyFile npy;
    TRY(npy_read(&npy, array, "feat", true));
    return shape_take(array, npy.header.rank, npy.header.shape, cells, features);
  }
  size_t shape[H5_RANK];
  int rank;
  TRY(h5_any_shape(&source->file, array, false, &rank, shape));
  return shape_take(array, rank, shape, cells, features);
}

Status features_shape(FeatureSource *source, const char *id, const char *file, int *cells, int *features) {
  char *array;
  TRY(array_find(source, id, file, &array));
  Status status = shape_of(source, array, cells, features);
  free(array);
  return status;
}

static Status room_check(const char *array, int found_cells, int found_features, int cells, int features) {
  if (found_cells <= cells && found_features == features) return OK;
  return status_set(BAD_INPUT, "%s: has %d cells of %d features; at most %d of %d were expected", array, found_cells,
                    found_features, cells, features);
}

static Status values_read(FeatureSource *source, const char *array, int cells, int features, float *grid, int *found) {
  int f = 0;
  if (!source->folder) {
    TRY(shape_of(source, array, found, &f));
    TRY(room_check(array, *found, f, cells, features));
    return h5_any_floats(&source->file, array, (size_t)*found * (size_t)f, grid);
  }
  NpyFile npy;
  TRY(npy_read(&npy, array, "feat", false));
  Status status = shape_take(array, npy.header.rank, npy.header.shape, found, &f);
  if (status == OK) status = room_check(array, *found, f, cells, features);
  if (status == OK) npy_floats(&npy.header, npy.bytes, grid);
  npy_free(&npy);
  return status;
}

Status features_read(FeatureSource *source, const char *id, const char *file, int cells, int features, float *grid) {
  char *array;
  int found = 0;
  TRY(array_find(source, id, file, &array));
  Status status = values_read(source, array, cells, features, grid, &found);
  size_t count = (size_t)found * (size_t)features, room = (size_t)cells * (size_t)features;
  for (size_t i = 0; i < count && status == OK; i++)
    if (!isfinite(grid[i])) status = status_set(BAD_INPUT, "%s: has a value that is not finite", array);
  if (status == OK) memset(grid + count, 0, (room - count) * sizeof *grid);
  free(array);
  return status;
}
