/* Stopped and taken up again. */
#include "common/data/dataset_part.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/data/h5.h"
#include "common/data/h5_guard.h"

static const char *const FORMAT = "troupe-dataset-part";
enum { VERSION = 1 };

struct DatasetPart {
  H5File file;
  hid_t array, in_file, in_memory, type;
  int32_t *keep; /* [done] */
  size_t done;
  hsize_t row[3], at;
  void *values; /* [N, F] as stored */
};

static char *part_path(const char *path) { return xasprintf("%s.part", path); }

Status dataset_part_write(DatasetWriter *writer, const char *identity, const bool *keep, int done) {
  H5File *file = dataset_write_file(writer);
  size_t count = (size_t)done;
  int32_t *kept = xmalloc((count + 1) * sizeof *kept);
  for (size_t i = 0; i < count; i++) kept[i] = keep[i];
  Status status = h5_write(file, "keep", H5_INT32, 1, &count, kept);
  free(kept);
  if (status == OK) status = h5_write_text(file, "/", "identity", identity);
  if (status == OK) status = h5_write_text(file, "/", "format", FORMAT);
  if (status == OK) status = h5_write_integer(file, "/", "format_version", VERSION);
  if (status != OK) {
    dataset_write_abandon(writer);
    return status;
  }
  char *path = part_path(dataset_write_path(writer));
  status = dataset_write_commit(writer, path);
  free(path);
  return status;
}

static Status keep_read(DatasetPart *part, size_t rows) {
  TRY(h5_shape(&part->file, "keep", H5_INT32, 1, &part->done));
  part->keep = xmalloc((part->done + 1) * sizeof *part->keep);
  TRY(h5_read(&part->file, "keep", H5_INT32, 1, &part->done, part->keep));
  size_t kept = 0;
  for (size_t i = 0; i < part->done; i++) kept += part->keep[i] != 0;
  return kept == rows ? OK : status_set(BAD_INPUT, "%s: has %zu of %zu features", part->file.path, rows, kept);
}

static Status part_read(DatasetPart *part, const char *path, const char *identity, int cells, int features, bool half) {
  char found[HASH_TEXT];
  size_t shape[3];
  H5Type type = half ? H5_HALF : H5_FLOAT;
  TRY(h5_open(&part->file, path));
  TRY(h5_check_format(&part->file, FORMAT, VERSION));
  TRY(h5_read_text(&part->file, "/", "identity", found, sizeof found));
  if (strcmp(found, identity) != 0) return status_set(BAD_INPUT, "%s: is of other pictures or another encoder", path);
  TRY(h5_shape(&part->file, "features", type, 3, shape));
  if (shape[1] != (size_t)cells || shape[2] != (size_t)features)
    return status_set(BAD_INPUT, "%s: has features of %zu x %zu; %d x %d were expected", path, shape[1], shape[2],
                      cells, features);
  TRY(keep_read(part, shape[0]));
  part->row[0] = 1, part->row[1] = shape[1], part->row[2] = shape[2];
  part->array = H5Dopen2(part->file.id, "features", H5P_DEFAULT);
  part->in_file = H5Dget_space(part->array);
  part->in_memory = H5Screate_simple(3, part->row, NULL);
  part->type = h5_type(type);
  part->values = xmalloc(shape[1] * shape[2] * h5_type_bytes(type));
  return OK;
}

DatasetPart *dataset_part_open(const char *path, const char *identity, int cells, int features, bool half) {
  char *name = part_path(path);
  DatasetPart *part = NULL;
  h5_guard_begin(name);
  if (file_exists(name)) {
    part = xcalloc(1, sizeof *part);
    *part = (DatasetPart){
        .array = H5I_INVALID_HID, .in_file = H5I_INVALID_HID, .in_memory = H5I_INVALID_HID, .type = H5I_INVALID_HID};
    if (part_read(part, name, identity, cells, features, half) != OK) {
      log_warning("%s; it is not used, and is replaced", status_message());
      dataset_part_close(part);
      part = NULL;
    }
  }
  h5_guard_end();
  free(name);
  return part;
}

void dataset_part_close(DatasetPart *part) {
  if (!part) return;
  if (part->in_memory >= 0) H5Sclose(part->in_memory);
  if (part->in_file >= 0) H5Sclose(part->in_file);
  if (part->type >= 0) H5Tclose(part->type);
  if (part->array >= 0) H5Dclose(part->array);
  h5_close(&part->file);
  free(part->keep);
  free(part->values);
  free(part);
}

int dataset_part_done(const DatasetPart *part) { return part ? (int)part->done : 0; }

bool dataset_part_has(const DatasetPart *part, int picture) {
  return part && (size_t)picture < part->done && part->keep[picture];
}

Status dataset_part_take(DatasetPart *part, DatasetWriter *writer) {
  hsize_t start[3] = {part->at++, 0, 0};
  if (H5Sselect_hyperslab(part->in_file, H5S_SELECT_SET, start, NULL, part->row, NULL) < 0 ||
      H5Dread(part->array, part->type, part->in_memory, part->in_file, H5P_DEFAULT, part->values) < 0)
    return status_set(FAILED, "%s: cannot be read: truncated or damaged; remove it to begin again", part->file.path);
  return dataset_write_packed(writer, part->values);
}

void dataset_part_remove(const char *path) {
  char *name = part_path(path);
  unlink(name);
  free(name);
}
