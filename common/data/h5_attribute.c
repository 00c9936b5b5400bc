/* HDF5 attributes: scalars and short texts. */
#include <string.h>

#include "common/data/h5.h"

static Status write_attribute(const H5File *file, const char *object, const char *name, hid_t type, const void *value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t id = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  bool bad = id < 0 || H5Awrite(id, type, value) < 0;
  if (id >= 0 && H5Aclose(id) < 0) bad = true;
  H5Sclose(space);
  return bad ? status_set(FAILED, "%s: attribute %s cannot be written (is the disk full?)", file->path, name) : OK;
}

Status h5_write_text(const H5File *file, const char *object, const char *name, const char *text) {
  size_t bytes = strlen(text);
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, bytes ? bytes : 1);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  Status status = write_attribute(file, object, name, type, text);
  H5Tclose(type);
  return status;
}

Status h5_write_integer(const H5File *file, const char *object, const char *name, int64_t value) {
  return write_attribute(file, object, name, H5T_STD_I64LE, &value);
}

Status h5_write_real(const H5File *file, const char *object, const char *name, double value) {
  return write_attribute(file, object, name, H5T_IEEE_F64LE, &value);
}

bool h5_has_attribute(const H5File *file, const char *object, const char *name) {
  return H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0;
}

/* Opens a scalar attribute of class `kind`; the caller closes *id when OK. */
static Status open_attribute(const H5File *file, const char *object, const char *name, H5T_class_t kind, hid_t *id) {
  *id = h5_has_attribute(file, object, name) ? H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT)
                                             : H5I_INVALID_HID;
  if (*id < 0)
    return status_set(BAD_INPUT, "%s: %s has no attribute %s", file->path,
                      strcmp(object, "/") == 0 ? "the file" : object, name);
  hid_t type = H5Aget_type(*id), space = H5Aget_space(*id);
  bool fits = H5Tget_class(type) == kind && H5Sget_simple_extent_npoints(space) == 1 &&
              (kind != H5T_STRING || H5Tis_variable_str(type) == 0);
  H5Sclose(space);
  H5Tclose(type);
  if (fits) return OK;
  H5Aclose(*id);
  return status_set(BAD_INPUT, "%s: attribute %s is not %s, which was expected", file->path, name,
                    kind == H5T_STRING    ? "a text"
                    : kind == H5T_INTEGER ? "a whole number"
                                          : "a real number");
}

Status h5_read_text(const H5File *file, const char *object, const char *name, char *text, size_t size) {
  hid_t id;
  TRY(open_attribute(file, object, name, H5T_STRING, &id));
  hid_t type = H5Aget_type(id);
  size_t bytes = H5Tget_size(type);
  Status status = OK;
  if (bytes >= size) {
    status = status_set(BAD_INPUT, "%s: attribute %s is longer than %zu bytes", file->path, name, size - 1);
  } else {
    memset(text, 0, size);
    if (H5Aread(id, type, text) < 0) status = status_set(BAD_INPUT, "%s: attribute %s is damaged", file->path, name);
  }
  H5Tclose(type);
  H5Aclose(id);
  return status;
}

static Status read_number(const H5File *file, const char *object, const char *name, H5T_class_t kind, hid_t type,
                          void *value) {
  hid_t id;
  TRY(open_attribute(file, object, name, kind, &id));
  bool bad = H5Aread(id, type, value) < 0;
  H5Aclose(id);
  return bad ? status_set(BAD_INPUT, "%s: attribute %s is damaged", file->path, name) : OK;
}

Status h5_read_integer(const H5File *file, const char *object, const char *name, int64_t *value) {
  return read_number(file, object, name, H5T_INTEGER, H5T_NATIVE_INT64, value);
}

Status h5_read_real(const H5File *file, const char *object, const char *name, double *value) {
  return read_number(file, object, name, H5T_FLOAT, H5T_NATIVE_DOUBLE, value);
}

Status h5_check_format(const H5File *file, const char *format, int version) {
  char found[64];
  int64_t number;
  if (h5_read_text(file, "/", "format", found, sizeof found) != OK)
    return status_set(BAD_INPUT, "%s: is HDF5 but was not written by troupe; a %s was expected", file->path, format);
  if (strcmp(found, format) != 0)
    return status_set(BAD_INPUT, "%s: is a %s; a %s was expected", file->path, found, format);
  TRY(h5_read_integer(file, "/", "format_version", &number));
  if (number < 1 || number > H5_VERSION_MAX)
    return status_set(FAILED, "%s: format_version is %lld: the file is damaged", file->path, (long long)number);
  if (number > version)
    return status_set(BAD_INPUT, "%s: %s of version %lld; this program reads versions 1 to %d: a newer troupe wrote it",
                      file->path, format, (long long)number, version);
  return OK;
}
