/* Helpers of the learner's tests: golden files in JSON, and closeness that NaN cannot pass. */
#ifndef TROUPE_TESTS_LEARNER_GOLDEN_H
#define TROUPE_TESTS_LEARNER_GOLDEN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/json.h"

#define GOLDEN "tests/golden/learner/"

static inline json_t *golden_read(const char *path) {
  json_t *root = NULL;
  if (json_read(path, &root) != OK) fail_msg("%s (run the tests from the repository's root)", status_message());
  return root;
}

static inline double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_number(value)) fail_msg("golden: no number '%s'", key);
  return json_number_value(value);
}

/* A new array of doubles (free), its length in *count. */
static inline double *numbers(const json_t *array, int *count) {
  assert_true(json_is_array(array));
  *count = (int)json_array_size(array);
  double *values = xmalloc(((size_t)*count + 1) * sizeof *values);
  for (int i = 0; i < *count; i++) values[i] = json_number_value(json_array_get(array, (size_t)i));
  return values;
}

/* A new array of floats (free); NULL when the key is absent. */
static inline float *floats(const json_t *object, const char *key) {
  if (!json_object_get(object, key)) return NULL;
  int count;
  double *wide = numbers(json_object_get(object, key), &count);
  float *values = xmalloc(((size_t)count + 1) * sizeof *values);
  for (int i = 0; i < count; i++) values[i] = (float)wide[i];
  free(wide);
  return values;
}

#define assert_close(got, want, relative, absolute, what, at)                       \
  do {                                                                              \
    double got_ = (got), want_ = (want);                                            \
    if (!(fabs(got_ - want_) <= (relative)*fabs(want_) + (absolute)))               \
      fail_msg("%s [%d]: got %.9g, expected %.9g", (what), (int)(at), got_, want_); \
  } while (0)

#endif
