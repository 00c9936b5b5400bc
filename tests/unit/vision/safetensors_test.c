/* Safetensors: types, shapes, and files that are not what they claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the above first
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/vision/safetensors.h"
#include "common/vision/safetensors_write.h"

/* A file of this header and data; owned by the caller. */
static char *file_make(const char *header, const void *data, size_t data_size, size_t *size) {
  uint64_t length = strlen(header);
  *size = 8 + length + data_size;
  char *bytes = malloc(*size);
  for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> (8 * i));
  memcpy(bytes + 8, header, length);
  if (data_size > 0) memcpy(bytes + 8 + length, data, data_size);
  return bytes;
}

static void types_are_read(void **state) {
  (void)state;
  struct {
    float single[2];
    uint16_t half[4], brain[2];
  } data = {{1.5f, -2}, {0x3C00, 0xC100, 0x0001, 0x7C00}, {0x3FC0, 0xC000}};
  size_t size;
  char *bytes = file_make("{\"__metadata__\":{\"format\":\"pt\"},"
                          "\"s\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
                          "\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]},"
                          "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
                          "\"i\":{\"dtype\":\"I16\",\"shape\":[2],\"data_offsets\":[16,20]}}",
                          &data, 20, &size);
  Safetensors *tensors;
  float out[4];
  assert_int_equal(safetensors_parse(&tensors, "w", bytes, size), OK);
  assert_int_equal(safetensors_floats(tensors, "s", 2, (int[]){2, 1}, out), OK);
  assert_true(out[0] == 1.5f && out[1] == -2);
  assert_int_equal(safetensors_floats(tensors, "h", 1, (int[]){4}, out), OK);
  assert_true(out[0] == 1 && out[1] == -2.5f && out[2] == 0x1p-24f && out[3] > 1e38f);
  assert_int_equal(safetensors_floats(tensors, "b", 1, (int[]){2}, out), OK);
  assert_true(out[0] == 1.5f && out[1] == -2);
  assert_int_equal(safetensors_floats(tensors, "i", 1, (int[]){2}, out), BAD_INPUT);
  assert_non_null(strstr(status_message(), "I16"));
  assert_int_equal(safetensors_floats(tensors, "s", 1, (int[]){2}, out), BAD_INPUT);
  assert_non_null(strstr(status_message(), "has shape [2, 1]; expected [2]"));
  assert_int_equal(safetensors_floats(tensors, "none", 1, (int[]){2}, out), BAD_INPUT);
  assert_non_null(strstr(status_message(), "none is missing"));
  safetensors_close(tensors);
}

static void what_is_written_is_read(void **state) {
  (void)state;
  char path[] = "/tmp/troupe-safetensors-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  float matrix[6] = {1, -2, 3, 0x1p-140f, 5, 6}, vector[3] = {7, 8, 9}, out[6];
  SafetensorsEntry entry[] = {{"m", 2, {2, 3}, matrix}, {"v", 1, {3, 0}, vector}};
  json_t *metadata = json_pack("{s:s}", "about", "\"a\\\n\xC3\xA4");
  Safetensors *tensors;
  assert_int_equal(safetensors_write(path, entry, 2, metadata), OK);
  assert_int_equal(safetensors_open(&tensors, path), OK);
  assert_int_equal(safetensors_floats(tensors, "m", 2, (int[]){2, 3}, out), OK);
  assert_memory_equal(out, matrix, sizeof matrix);
  assert_int_equal(safetensors_floats(tensors, "v", 1, (int[]){3}, out), OK);
  assert_memory_equal(out, vector, sizeof vector);
  assert_string_equal(safetensors_metadata(tensors, "about"), "\"a\\\n\xC3\xA4");
  assert_null(safetensors_metadata(tensors, "other"));
  safetensors_close(tensors);
  assert_int_equal(safetensors_write("/nowhere/at/all", entry, 2, NULL), FAILED);
  assert_non_null(strstr(status_message(), "/nowhere/at/all"));
  json_decref(metadata);
  unlink(path);
}

static void bad_files_are_named(void **state) {
  (void)state;
  static const char *const headers[] = {
      "",
      "[]",
      "{",
      "{\"a\":1}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
      "{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2147483647,2147483647,2147483647],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,8]}}",
      ("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
       "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"),
  };
  float data[2] = {1, 2};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    Safetensors *tensors;
    size_t size;
    char *bytes = file_make(headers[i], data, sizeof data, &size);
    if (safetensors_parse(&tensors, "weights.x", bytes, size) != BAD_INPUT) fail_msg("accepted: %s", headers[i]);
    assert_non_null(strstr(status_message(), "weights.x"));
    assert_null(tensors);
  }
}

static void lengths_are_bounded(void **state) {
  (void)state;
  for (size_t size = 0; size < 12; size++) {
    Safetensors *tensors;
    char *bytes = malloc(size + 1);
    memset(bytes, 0xFF, size + 1);
    assert_int_equal(safetensors_parse(&tensors, "w", bytes, size), BAD_INPUT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(types_are_read),
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(bad_files_are_named),
      cmocka_unit_test(lengths_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
