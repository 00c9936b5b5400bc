/* Report traces: ranks in order, an event's time less what lies within it, lines cut off, very many events. */
#include "common/tool/report_trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "tests/unit/test_folder.h"

static FILE *rank_file(int rank) {
  char *trace = path_join(folder, "trace"), *path = xasprintf("%s/rank-%d.jsonl", trace, rank);
  assert_int_equal(folder_create(trace), OK);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  free(trace), free(path);
  return file;
}

static void event_put(FILE *file, const char *name, double at, double took) {
  fprintf(file, "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":0,\"tid\":0,\"ts\":%.1f,\"dur\":%.1f}\n", name, at, took);
}

static double share(const json_t *rank, size_t kind) {
  return json_number_value(json_array_get(json_object_get(rank, "shares"), kind));
}

static void shares_are_exclusive(void **state) {
  (void)state;
  FILE *file = rank_file(10);
  fputs("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":10,\"args\":{\"name\":\"actor 10\"}}\n", file);
  event_put(file, "receive", 1e15 + 2e6, 1e6); /* within idle, which is written when it ends */
  event_put(file, "idle", 1e15 + 1e6, 3e6);
  event_put(file, "decode", 1e15 + 4e6, 2e6);
  event_put(file, "rollout 1, chunk 2", 1e15, 10e6);
  fputs("{\"name\":\"cut o", file);
  fclose(file);
  file = rank_file(2);
  event_put(file, "forward", 1e15 + 5e6, 1e6);
  fclose(file);
  json_t *trace = report_trace(folder, 100), *ranks = json_object_get(trace, "ranks");
  assert_int_equal(json_array_size(ranks), 2);
  assert_true(fabs(json_number_value(json_object_get(trace, "span_s")) - 10) < 1e-6);
  json_t *actor = json_array_get(ranks, 1); /* by number, not by name */
  assert_string_equal(json_string_value(json_object_get(actor, "name")), "actor 10");
  assert_true(fabs(share(actor, 0) - 2) < 1e-6 && fabs(share(actor, 1) - 2) < 1e-6 && fabs(share(actor, 2) - 1) < 1e-6);
  json_t *first = json_array_get(json_object_get(actor, "events"), 0);
  assert_int_equal(json_integer_value(json_array_get(first, 0)), 0);
  assert_int_equal(json_integer_value(json_array_get(first, 1)), 10000000);
  json_decref(trace);
}

static void many_events_are_thinned(void **state) {
  (void)state;
  FILE *file = rank_file(2);
  for (int i = 0; i < 5000; i++) event_put(file, "decode", 1e15 + 1e3 * i, i % 100 ? 30 : 900);
  fclose(file);
  json_t *trace = report_trace(folder, 100), *rank = json_array_get(json_object_get(trace, "ranks"), 0);
  assert_true(json_array_size(json_object_get(rank, "events")) <= 100);
  assert_true(fabs(share(rank, 0) - (4950 * 30 + 50 * 900) / 1e6) < 1e-6);
  json_decref(trace);
}

static void no_trace_is_null(void **state) {
  (void)state;
  json_t *trace = report_trace("/nowhere", 100);
  assert_true(json_is_null(trace));
  json_decref(trace);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(shares_are_exclusive), cmocka_unit_test(many_events_are_thinned),
                                     cmocka_unit_test(no_trace_is_null)};
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
