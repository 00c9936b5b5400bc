/* JSON files over jansson. */
#include "common/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

Status json_read(const char *path, json_t **root) {
  char *bytes;
  size_t size;
  TRY(file_read(path, (size_t)4 << 30, &bytes, &size));
  json_error_t error;
  *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
  free(bytes);
  if (*root) return OK;
  return status_set(BAD_INPUT, "%s:%d: not JSON: %s", path, error.line, error.text);
}

Status json_write(const char *path, const json_t *root) {
  char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  CHECK(text);
  size_t size = strlen(text);
  text[size] = '\n'; /* in the place of the NUL */
  Status status = file_write_atomic(path, text, size + 1);
  free(text);
  return status;
}

Status json_append(const char *path, const json_t *root) {
  char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
  CHECK(text);
  Status status = file_append_line(path, text);
  free(text);
  return status;
}

json_t *json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *json_text(const char *text) {
  json_t *string = json_string(text);
  if (string) return string;
  char *plain = xstrdup(text);
  for (char *p = plain; *p; p++)
    if ((unsigned char)*p > 127) *p = '?';
  string = json_string(plain);
  free(plain);
  return string;
}
