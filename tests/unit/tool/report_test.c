/* Report: metrics, samples and options of runs that may still be written, whole or cut short; names; the page around them. */
#include "common/tool/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "tests/unit/test_folder.h"

static json_t *metrics_of(const char *text, int limit, int *broken) {
  return report_metrics(text, strlen(text), limit, broken);
}

static double number_at(const json_t *columns, const char *name, size_t i) {
  return json_number_value(json_array_get(json_object_get(columns, name), i));
}

static void columns_are_aligned(void **state) {
  (void)state;
  int broken;
  json_t *columns =
      metrics_of("{\"iteration\":1,\"reward\":0.5}\n{\"iteration\":2,\"reward\":null,\"kl\":0.25}\n", 10, &broken);
  assert_int_equal(broken, 0);
  assert_int_equal(json_object_size(columns), 3);
  assert_int_equal(json_array_size(json_object_get(columns, "kl")), 2);
  assert_true(json_is_null(json_array_get(json_object_get(columns, "kl"), 0)));
  assert_true(json_is_null(json_array_get(json_object_get(columns, "reward"), 1)));
  assert_true(number_at(columns, "kl", 1) == 0.25);
  json_decref(columns);
}

static void damaged_lines_are_counted(void **state) {
  (void)state;
  int broken;
  json_t *columns =
      metrics_of("{\"iteration\":1,\"loss\":NaN}\nrubbish\n[1]\n{\"loss\":2}\n\n{\"iteration\":7,\"loss\":3}\n{\"itera",
                 10, &broken);
  assert_int_equal(broken, 4); /* not the last, which is being written */
  assert_int_equal(json_array_size(json_object_get(columns, "loss")), 1);
  assert_true(number_at(columns, "iteration", 0) == 7);
  json_decref(columns);
  columns = metrics_of("", 10, &broken);
  assert_int_equal(json_object_size(columns) + (size_t)broken, 0);
  json_decref(columns);
}

static void many_lines_are_thinned(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  for (int i = 1; i <= 1000; i++) fprintf(out, "{\"iteration\":%d%s}\n", i, i == 502 ? ",\"eval/CIDEr\":1.5" : "");
  fclose(out);
  int broken;
  json_t *columns = report_metrics(text, size, 100, &broken), *iterations = json_object_get(columns, "iteration");
  assert_int_equal(json_array_size(iterations), 102); /* every tenth, the evaluation, the last */
  assert_int_equal(json_integer_value(json_array_get(iterations, 101)), 1000);
  double found = 0;
  for (size_t i = 0; i < 102; i++) found += number_at(columns, "eval/CIDEr", i);
  assert_true(found == 1.5);
  json_decref(columns);
  free(text);
}

#define GROUP "\"image\":\"a.jpg\",\"captions\":[\"x\",\"y\"],\"rewards\":[1,null],\"advantages\":[1,-1]}\n"

static void groups_are_checked_and_chosen(void **state) {
  (void)state;
  static const char text[] =
      "{\"iteration\":1," GROUP "{\"iteration\":2," GROUP "{\"iteration\":3," GROUP
      "{\"iteration\":4,\"image\":\"a\",\"captions\":[\"x\"],\"rewards\":[],\"advantages\":[1]}\n"
      "{\"iteration\":5,\"image\":\"a\",\"captions\":[1],\"rewards\":[1],\"advantages\":[1]}\n"
      "{\"iteration\":6,\"image\":\"a\",\"captions\":[],\"rewards\":[],\"advantages\":[]}\n";
  int broken;
  json_t *groups = report_samples(text, strlen(text), 2, &broken);
  assert_int_equal(broken, 3);
  assert_int_equal(json_array_size(groups), 2);
  assert_int_equal(json_integer_value(json_object_get(json_array_get(groups, 0), "iteration")), 1);
  assert_int_equal(json_integer_value(json_object_get(json_array_get(groups, 1), "iteration")), 3);
  json_decref(groups);
  groups = report_samples(text, strlen(text), 1, &broken);
  assert_int_equal(json_integer_value(json_object_get(json_array_get(groups, 0), "iteration")), 3);
  json_decref(groups);
}

static void options_are_flat(void **state) {
  (void)state;
  json_t *options = report_options("a:\n  b: 1\n  c:\n    d: \"x: y\"\n  e: \"\"\nf: auto\n      deep\n: \n");
  assert_int_equal(json_object_size(options), 4 + 0);
  assert_string_equal(json_string_value(json_object_get(options, "a.b")), "1");
  assert_string_equal(json_string_value(json_object_get(options, "a.c.d")), "x: y");
  assert_string_equal(json_string_value(json_object_get(options, "a.e")), "");
  assert_string_equal(json_string_value(json_object_get(options, "f")), "auto");
  json_decref(options);
  options = report_defaults();
  assert_string_equal(json_string_value(json_object_get(options, "rewards.cider_d.weight")), "1");
  assert_string_equal(json_string_value(json_object_get(options, "pretrain.optimizer.name")), "adam");
  json_decref(options);
}

static void names_tell_runs_apart(void **state) {
  (void)state;
  json_t *runs = json_pack("[{s:s},{s:s}]", "path", "runs/demo/train/", "path", "runs/demo/pretrain");
  report_names(runs);
  assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 0), "name")), "train");
  assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 1), "name")), "pretrain");
  json_decref(runs);
  runs = json_pack("[{s:s}]", "path", "/x/demo/train");
  report_names(runs);
  assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 0), "name")), "demo/train");
  json_decref(runs);
  runs = json_pack("[{s:s},{s:s}]", "path", "run", "path", "run"); /* twice the same */
  report_names(runs);
  assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 0), "name")), "run");
  json_decref(runs);
}

static void file_put(const char *name, const char *text) {
  char *path = path_join(folder, name);
  assert_int_equal(file_write_atomic(path, text, strlen(text)), OK);
  free(path);
}

static void folders_are_read_as_far_as_they_are_there(void **state) {
  (void)state;
  json_t *run;
  assert_int_equal(report_run("/nowhere", REPORT_WHOLE, &run), BAD_INPUT);
  assert_int_equal(report_run(folder, REPORT_WHOLE, &run), BAD_INPUT);
  assert_non_null(strstr(status_message(), "not of a run"));
  file_put("metrics.jsonl", "{\"iteration\":1,\"reward\":1}\n{\"it");
  file_put("status.json", "{\"phase\":");
  assert_int_equal(report_run(folder, REPORT_WHOLE, &run), OK);
  assert_string_equal(json_string_value(json_object_get(run, "stage")), "train");
  assert_true(json_is_null(json_object_get(run, "status")));
  assert_int_equal(json_array_size(json_object_get(run, "notes")), 2); /* no config.yaml, a damaged status.json */
  json_decref(run);
}

static void the_page_holds_the_data(void **state) {
  (void)state;
  json_t *data = json_pack("{s:s}", "caption", "a </script><b> & \"dog\"");
  size_t size;
  char *html = report_page(data, &size);
  assert_int_equal(strlen(html), size);
  assert_non_null(strstr(html, "a \\u003c/script>\\u003cb> & \\\"dog\\\""));
  assert_null(strstr(html, "/*{")); /* no mark is left */
  assert_non_null(strstr(html, "galleryBegin();"));
  assert_non_null(strstr(html, "--ground"));
  free(html);
  json_decref(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(columns_are_aligned),
                                     cmocka_unit_test(damaged_lines_are_counted),
                                     cmocka_unit_test(many_lines_are_thinned),
                                     cmocka_unit_test(groups_are_checked_and_chosen),
                                     cmocka_unit_test(options_are_flat),
                                     cmocka_unit_test(names_tell_runs_apart),
                                     cmocka_unit_test(folders_are_read_as_far_as_they_are_there),
                                     cmocka_unit_test(the_page_holds_the_data)};
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
