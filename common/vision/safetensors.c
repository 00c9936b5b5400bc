/* Reading safetensors. */
#include "common/vision/safetensors.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

enum { LENGTH_BYTES = 8, MAX_HEADER = 100 << 20, MAX_RANK = 8 };

struct Safetensors {
  char *name, *bytes; /* owned */
  const char *data;   /* behind the header */
  size_t data_size;
  json_t *header; /* owned */
};

/* Bytes an element of type `dtype`; 0 for a type that is not known. */
static size_t dtype_size(const char *dtype) {
  static const struct {
    const char *name;
    size_t size;
  } types[] = {{"F64", 8}, {"I64", 8}, {"U64", 8}, {"F32", 4},  {"I32", 4},     {"U32", 4},     {"F16", 2}, {"BF16", 2},
               {"I16", 2}, {"U16", 2}, {"I8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U8", 1}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, dtype) == 0) return types[i].size;
  return 0;
}

static Status entry_check(const Safetensors *tensors, const char *key, const json_t *entry) {
  const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
  const char *dtype = json_string_value(json_object_get(entry, "dtype"));
  if (!dtype || !json_is_array(shape) || json_array_size(offsets) != 2)
    return status_set(BAD_INPUT, "%s: tensor %s: dtype, shape and data_offsets were expected", tensors->name, key);
  size_t bytes = dtype_size(dtype);
  if (bytes == 0) return status_set(BAD_INPUT, "%s: tensor %s: type %s is not known", tensors->name, key, dtype);
  if (json_array_size(shape) > MAX_RANK)
    return status_set(BAD_INPUT, "%s: tensor %s: more than %d dimensions", tensors->name, key, MAX_RANK);
  for (size_t i = 0; i < json_array_size(shape); i++) {
    const json_t *side = json_array_get(shape, i);
    json_int_t length = json_integer_value(side);
    if (!json_is_integer(side) || length < 0 || length > INT_MAX ||
        __builtin_mul_overflow(bytes, (size_t)length, &bytes))
      return status_set(BAD_INPUT, "%s: tensor %s: dimension %zu is too large, or no whole number", tensors->name, key,
                        i);
  }
  const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
  json_int_t begin = json_integer_value(first), end = json_integer_value(last);
  if (!json_is_integer(first) || !json_is_integer(last) || begin < 0 || end < begin || (size_t)end > tensors->data_size)
    return status_set(BAD_INPUT, "%s: tensor %s: its data lie outside the file (cut short?)", tensors->name, key);
  if ((size_t)(end - begin) != bytes)
    return status_set(BAD_INPUT, "%s: tensor %s: %zu bytes by its shape, but %lld by its offsets", tensors->name, key,
                      bytes, (long long)(end - begin));
  return OK;
}

static Status header_read(Safetensors *tensors, size_t size) {
  uint64_t length = 0;
  if (size < LENGTH_BYTES)
    return status_set(BAD_INPUT, "%s: %zu bytes are too few for a safetensors file", tensors->name, size);
  for (int i = 0; i < LENGTH_BYTES; i++) length |= (uint64_t)(uint8_t)tensors->bytes[i] << (8 * i);
  if (length > MAX_HEADER || length > size - LENGTH_BYTES)
    return status_set(BAD_INPUT, "%s: not a safetensors file, or cut short: its header would have %llu bytes",
                      tensors->name, (unsigned long long)length);
  json_error_t error;
  tensors->header = json_loadb(tensors->bytes + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_object(tensors->header))
    return status_set(BAD_INPUT, "%s: the safetensors header is not a JSON object: %s", tensors->name,
                      tensors->header ? "another type" : error.text);
  tensors->data = tensors->bytes + LENGTH_BYTES + length;
  tensors->data_size = size - LENGTH_BYTES - length;
  const char *key;
  json_t *entry;
  json_object_foreach(tensors->header, key, entry) {
    if (strcmp(key, "__metadata__") != 0) TRY(entry_check(tensors, key, entry));
  }
  return OK;
}

Status safetensors_parse(Safetensors **tensors, const char *name, char *bytes, size_t size) {
  Safetensors *parsed = xcalloc(1, sizeof *parsed);
  parsed->name = xstrdup(name);
  parsed->bytes = bytes;
  Status status = header_read(parsed, size);
  *tensors = parsed;
  if (status != OK) {
    safetensors_close(parsed);
    *tensors = NULL;
  }
  return status;
}

Status safetensors_open(Safetensors **tensors, const char *path) {
  char *bytes;
  size_t size;
  *tensors = NULL;
  TRY(file_read(path, 0, &bytes, &size));
  return safetensors_parse(tensors, path, bytes, size);
}

void safetensors_close(Safetensors *tensors) {
  if (!tensors) return;
  json_decref(tensors->header);
  free(tensors->bytes);
  free(tensors->name);
  free(tensors);
}

static float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023, bits;
  float value;
  if (exponent == 0) {
    value = (float)mantissa * 0x1p-24f;
    return sign ? -value : value;
  }
  bits = sign | (exponent == 31 ? 0xFFu : exponent + 112) << 23 | mantissa << 13;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static void shape_print(char *text, size_t size, int rank, const long *shape) {
  size_t used = (size_t)snprintf(text, size, "[");
  for (int i = 0; i < rank && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%ld", i ? ", " : "", shape[i]);
  if (used < size) snprintf(text + used, size - used, "]");
}

static Status shape_check(const Safetensors *tensors, const char *name, const json_t *shape, int rank,
                          const int *wanted) {
  long stored[MAX_RANK] = {0}, expected[MAX_RANK] = {0};
  int stored_rank = (int)json_array_size(shape);
  bool same = stored_rank == rank;
  for (int i = 0; i < stored_rank; i++) stored[i] = (long)json_integer_value(json_array_get(shape, (size_t)i));
  for (int i = 0; i < rank; i++) {
    expected[i] = wanted[i];
    same = same && stored[i] == expected[i];
  }
  if (same) return OK;
  char is[160], should[160];
  shape_print(is, sizeof is, stored_rank, stored);
  shape_print(should, sizeof should, rank, expected);
  return status_set(BAD_INPUT, "%s: tensor %s has shape %s; expected %s", tensors->name, name, is, should);
}

Status safetensors_floats(const Safetensors *tensors, const char *name, int rank, const int *shape, float *out) {
  CHECK(rank <= MAX_RANK);
  const json_t *entry = json_object_get(tensors->header, name);
  if (!entry) return status_set(BAD_INPUT, "%s: tensor %s is missing", tensors->name, name);
  TRY(shape_check(tensors, name, json_object_get(entry, "shape"), rank, shape));
  const char *dtype = json_string_value(json_object_get(entry, "dtype"));
  const char *data = tensors->data + json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
  size_t count = 1;
  for (int i = 0; i < rank; i++) count *= (size_t)shape[i];
  bool brain = strcmp(dtype, "BF16") == 0;
  if (strcmp(dtype, "F32") == 0) {
    memcpy(out, data, count * sizeof *out);
  } else if (brain || strcmp(dtype, "F16") == 0) {
    for (size_t i = 0; i < count; i++) {
      uint16_t half;
      memcpy(&half, data + 2 * i, sizeof half);
      uint32_t bits = (uint32_t)half << 16;
      if (brain) memcpy(&out[i], &bits, sizeof bits);
      else out[i] = half_to_float(half);
    }
  } else {
    return status_set(BAD_INPUT, "%s: tensor %s is of type %s; expected F32, F16 or BF16", tensors->name, name, dtype);
  }
  return OK;
}

const char *safetensors_metadata(const Safetensors *tensors, const char *key) {
  return json_string_value(json_object_get(json_object_get(tensors->header, "__metadata__"), key));
}
