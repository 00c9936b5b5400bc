/* Goldens of the scores: loading and comparing. */
#ifndef TROUPE_TESTS_SCORE_GOLDEN_H
#define TROUPE_TESTS_SCORE_GOLDEN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/json.h"

static inline json_t *golden_load(const char *path) {
  json_t *root = NULL;
  if (json_read(path, &root) != OK) fail_msg("%s", status_message());
  return root;
}

static inline const char *golden_text(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  assert_non_null(text);
  return text;
}

static inline double golden_number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  assert_true(json_is_number(value));
  return json_number_value(value);
}

/* Relative 1e-6, with a floor for scores that are nothing but guards against division by zero. */
static inline void golden_close(double got, double expected, const char *what) {
  double difference = fabs(got - expected);
  if (!(difference <= 1e-6 * fabs(expected) + 1e-12)) fail_msg("%s: %.12g; %.12g was expected", what, got, expected);
}

/* Strings of a JSON array, borrowed; at most 16. */
static inline int golden_texts(const json_t *array, const char *texts[16]) {
  int count = (int)json_array_size(array);
  assert_in_range(count, 1, 16);
  for (int i = 0; i < count; i++) texts[i] = json_string_value(json_array_get(array, (size_t)i));
  return count;
}

#endif
