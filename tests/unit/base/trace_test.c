/* Trace: the merged file is JSON that a viewer reads, of all ranks, without lines cut off; an earlier run's ranks are gone. */
#include "common/base/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/base/json.h"
#include "tests/unit/test_folder.h"

static json_t *merged(void) {
  json_t *root = NULL;
  char *path = path_join(folder, "trace.json");
  assert_int_equal(trace_merge(folder), OK);
  assert_int_equal(json_read(path, &root), OK);
  free(path);
  return root;
}

static void off_writes_nothing(void **state) {
  (void)state;
  assert_int_equal(trace_open(folder, 0, "learner"), OK);
  trace_add(1, 2, "event");
  trace_close();
  assert_int_equal(trace_merge(folder), BAD_INPUT); /* no rank has a file */
  assert_non_null(strstr(status_message(), "--trace"));
}

static void ranks_are_merged(void **state) {
  (void)state;
  trace_enable(true);
  assert_int_equal(trace_open(folder, 0, "learner"), OK);
  trace_add(1, 1.5, "iteration %d", 7);
  trace_add(1, 1 + 1e-6, "too short");
  assert_int_equal(trace_open(folder, 3, "actor 3"), OK); /* closes the first */
  trace_add(1.25, 1.5, "rollout");
  trace_close();
  trace_close();
  char *path = path_join(folder, "trace/rank-3.jsonl");
  FILE *file = fopen(path, "a");
  fputs("{\"name\":\"cut o", file);
  fclose(file);
  free(path);
  json_t *root = merged();
  assert_int_equal(json_array_size(root), 4); /* two names of ranks, two events */
  json_t *iteration = json_array_get(root, 1), *rollout = json_array_get(root, 3);
  assert_string_equal(json_string_value(json_object_get(iteration, "name")), "iteration 7");
  assert_int_equal(json_integer_value(json_object_get(rollout, "pid")), 3);
  double later =
      json_number_value(json_object_get(rollout, "ts")) - json_number_value(json_object_get(iteration, "ts"));
  assert_true(later > 0.24e6 && later < 0.26e6);
  assert_true(json_number_value(json_object_get(iteration, "dur")) == 5e5);
  json_decref(root);
}

static void rank_0_begins_anew(void **state) {
  (void)state;
  assert_int_equal(trace_open(folder, 0, "learner"), OK);
  trace_close();
  json_t *root = merged();
  assert_int_equal(json_array_size(root), 1);
  json_decref(root);
}

static void unwritable_is_an_error(void **state) {
  (void)state;
  assert_int_equal(trace_open("/proc/none", 0, "learner"), FAILED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(off_writes_nothing),
      cmocka_unit_test(ranks_are_merged),
      cmocka_unit_test(rank_0_begins_anew),
      cmocka_unit_test(unwritable_is_an_error),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
