/* NumPy's array format. */
#include "common/data/npy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/data/half.h"

static const size_t VALUES_MAX = (size_t)1 << 28; /* of one picture */

/* Behind "'key':" and blanks in a header, or NULL. */
static const char *header_value(const char *text, const char *key) {
  const char *at = strstr(text, key);
  if (!at) return NULL;
  at += strlen(key);
  at += strspn(at, " ");
  if (*at++ != ':') return NULL;
  return at + strspn(at, " ");
}

static Status type_parse(NpyHeader *header, const char *name, const char *text) {
  const char *at = header_value(text, "'descr'");
  static const char *const types[] = {"'<f2'", "'<f4'", "'<f8'"};
  for (size_t i = 0; at && i < sizeof types / sizeof *types; i++) {
    if (strncmp(at, types[i], 5) != 0) continue;
    header->element = (size_t)2 << i;
    return OK;
  }
  if (!at) at = "no name";
  int length = (int)strcspn(at, ",}");
  return status_set(BAD_INPUT, "%s: holds values of type %.*s; '<f2', '<f4' or '<f8' was expected", name,
                    length < 40 ? length : 40, at);
}

static Status shape_parse(NpyHeader *header, const char *name, const char *text) {
  const char *at = header_value(text, "'shape'");
  if (!at || *at++ != '(') return status_set(BAD_INPUT, "%s: its header has no shape", name);
  header->count = 1;
  for (at += strspn(at, " "); *at >= '0' && *at <= '9'; at += strspn(at, ", ")) {
    char *end;
    unsigned long long side = strtoull(at, &end, 10);
    if (header->rank == NPY_RANK) return status_set(BAD_INPUT, "%s: has more than %d dimensions", name, NPY_RANK);
    if (side > VALUES_MAX || (side && header->count > VALUES_MAX / side))
      return status_set(BAD_INPUT, "%s: has more than %zu values", name, VALUES_MAX);
    header->count *= (size_t)side;
    header->shape[header->rank++] = (size_t)side;
    at = end;
  }
  return *at == ')' ? OK : status_set(BAD_INPUT, "%s: its header's shape cannot be read", name);
}

Status npy_header(NpyHeader *header, const char *name, const char *bytes, size_t size, size_t total) {
  *header = (NpyHeader){0};
  const unsigned char *b = (const unsigned char *)bytes;
  if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || b[6] < 1 || b[6] > 3)
    return status_set(BAD_INPUT, "%s: is not a NumPy array; what numpy.save writes was expected", name);
  size_t before = b[6] == 1 ? 10 : 12, length = (size_t)b[8] | (size_t)b[9] << 8;
  if (b[6] > 1) length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
  if (before > size || length > size - before || length >= NPY_HEADER)
    return status_set(BAD_INPUT, "%s: its header is cut or too long for an array of floats", name);
  char text[NPY_HEADER];
  memcpy(text, bytes + before, length);
  text[length] = 0;
  header->data = before + length;
  const char *order = header_value(text, "'fortran_order'");
  header->fortran = order && strncmp(order, "True", 4) == 0;
  TRY(type_parse(header, name, text));
  TRY(shape_parse(header, name, text));
  if (total < header->data || (total - header->data) / header->element < header->count)
    return status_set(BAD_INPUT, "%s: is shorter than its shape says: truncated or damaged", name);
  return OK;
}

static float value_at(const NpyHeader *header, const char *data, size_t index) {
  float value;
  double wide;
  uint16_t half;
  data += index * header->element;
  switch (header->element) {
    case 2:
      memcpy(&half, data, sizeof half);
      half_to_float(&half, &value, 1);
      return value;
    case 4: memcpy(&value, data, sizeof value); return value;
    default: memcpy(&wide, data, sizeof wide); return (float)wide;
  }
}

void npy_floats(const NpyHeader *header, const char *bytes, float *out) {
  const char *data = bytes + header->data;
  if (!header->fortran && header->element == sizeof(float)) {
    memcpy(out, data, header->count * sizeof(float));
    return;
  }
  size_t index[NPY_RANK] = {0}, step[NPY_RANK], stride = 1;
  for (int k = 0; k < header->rank; k++) {
    int axis = header->fortran ? k : header->rank - 1 - k;
    step[axis] = stride;
    stride *= header->shape[axis];
  }
  for (size_t i = 0; i < header->count; i++) {
    size_t at = 0;
    for (int k = 0; k < header->rank; k++) at += index[k] * step[k];
    out[i] = value_at(header, data, at);
    for (int k = header->rank - 1; k >= 0 && ++index[k] == header->shape[k]; k--) index[k] = 0;
  }
}

void npy_free(NpyFile *file) {
  free(file->bytes);
  *file = (NpyFile){0};
}
