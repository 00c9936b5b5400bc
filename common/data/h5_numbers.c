/* Arrays that other programs wrote: HDF5 converts the numbers to ours. */
#include "common/data/h5.h"

static Status shape_of(const H5File *file, const char *name, hid_t id, H5T_class_t kind, int *rank, size_t *shape) {
  hid_t space = H5Dget_space(id), type = H5Dget_type(id);
  hsize_t dims[H5_RANK] = {0};
  *rank = H5Sis_simple(space) > 0 ? H5Sget_simple_extent_ndims(space) : 0;
  bool fits = *rank >= 1 && *rank <= H5_RANK && H5Sget_simple_extent_dims(space, dims, NULL) == *rank;
  bool same = H5Tget_class(type) == kind;
  size_t element = H5Tget_size(type);
  H5Tclose(type);
  H5Sclose(space);
  if (!fits)
    return status_set(BAD_INPUT, "%s: %s has %d dimensions; 1 to %d were expected", file->path, name, *rank, H5_RANK);
  if (!same)
    return status_set(BAD_INPUT, "%s: %s does not hold %s", file->path, name,
                      kind == H5T_FLOAT ? "floats" : "whole numbers");
  if (!h5_stored(id, *rank, dims, element))
    return status_set(BAD_INPUT, "%s: %s is shorter than its shape says: truncated or damaged", file->path, name);
  for (int i = 0; i < *rank; i++) shape[i] = (size_t)dims[i];
  return OK;
}

static Status array_open(const H5File *file, const char *name, H5T_class_t kind, int *rank, size_t *shape, hid_t *id) {
  *id = h5_has(file, name) ? H5Dopen2(file->id, name, H5P_DEFAULT) : H5I_INVALID_HID;
  if (*id < 0) return status_set(BAD_INPUT, "%s: has no array %s", file->path, name);
  Status status = shape_of(file, name, *id, kind, rank, shape);
  if (status != OK) H5Dclose(*id);
  return status;
}

Status h5_any_shape(const H5File *file, const char *name, bool whole, int *rank, size_t shape[H5_RANK]) {
  hid_t id;
  TRY(array_open(file, name, whole ? H5T_INTEGER : H5T_FLOAT, rank, shape, &id));
  H5Dclose(id);
  return OK;
}

static Status values_read(const H5File *file, const char *name, H5T_class_t kind, hid_t memory, size_t count,
                          void *values) {
  hid_t id;
  int rank;
  size_t shape[H5_RANK], found = 1;
  TRY(array_open(file, name, kind, &rank, shape, &id));
  for (int i = 0; i < rank; i++) found *= shape[i];
  bool good = found == count && (!count || H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(id);
  return good ? OK : status_set(BAD_INPUT, "%s: %s cannot be read: truncated or damaged", file->path, name);
}

Status h5_any_floats(const H5File *file, const char *name, size_t count, float *values) {
  return values_read(file, name, H5T_FLOAT, H5T_NATIVE_FLOAT, count, values);
}

Status h5_any_integers(const H5File *file, const char *name, size_t count, int32_t *values) {
  return values_read(file, name, H5T_INTEGER, H5T_NATIVE_INT32, count, values);
}
