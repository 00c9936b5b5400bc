/* Files: whole reads, atomic writes that leave nothing behind, folders, paths; JSON on top of them. */
#include "common/base/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "tests/unit/test_folder.h"

static int entries(void) {
  char *command = xasprintf("ls -A '%s' | wc -l", folder), line[32] = "";
  FILE *pipe = popen(command, "r");
  free(command);
  if (!pipe || !fgets(line, sizeof line, pipe)) return -1;
  pclose(pipe);
  return atoi(line);
}

static void what_is_written_is_read(void **state) {
  (void)state;
  char *path = path_join(folder, "a"), *bytes;
  size_t size;
  assert_int_equal(file_write_atomic(path, "x\0y", 3), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  assert_int_equal(size, 3);
  assert_memory_equal(bytes, "x\0y", 4); /* and a NUL */
  free(bytes);
  assert_int_equal(file_read(path, 2, &bytes, &size), BAD_INPUT);
  assert_non_null(strstr(status_message(), "is too large; at most 2 bytes were expected"));
  assert_int_equal(entries(), 1); /* no temporary file is left */
  free(path);
}

static void failures_name_the_file(void **state) {
  (void)state;
  char *bytes;
  size_t size;
  assert_int_equal(file_read("/nowhere/at/all", 0, &bytes, &size), BAD_INPUT);
  assert_non_null(strstr(status_message(), "/nowhere/at/all"));
  assert_int_equal(file_read(folder, 0, &bytes, &size), BAD_INPUT);
  assert_non_null(strstr(status_message(), "is a folder"));
  assert_int_equal(file_write_atomic("/nowhere/at/all", "x", 1), FAILED);
  assert_int_equal(folder_create("/dev/null/x"), FAILED);
}

/* A write that fails keeps the old file and leaves nothing else (/dev/full says that the disk is full). */
static void a_full_disk_keeps_the_old(void **state) {
  (void)state;
  char *path = path_join(folder, "kept"), *temporary = file_temporary(path), *bytes;
  size_t size;
  assert_int_equal(file_write_atomic(path, "old", 3), OK);
  assert_int_equal(symlink("/dev/full", temporary), 0);
  assert_int_equal(file_write_atomic(path, "new", 3), FAILED);
  assert_non_null(strstr(status_message(), "No space left"));
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  assert_string_equal(bytes, "old");
  assert_false(file_exists(temporary));
  free(bytes);
  free(temporary);
  free(path);
}

static void folders_and_paths(void **state) {
  (void)state;
  char *deep = path_join(folder, "a1/b/c"), *up = path_folder("a/b.h5"), *none = path_folder("b.h5"),
       *root = path_folder("/b");
  assert_int_equal(folder_create(deep), OK);
  assert_int_equal(folder_create(deep), OK);
  assert_true(folder_exists(deep) && !file_exists(deep));
  assert_string_equal(up, "a");
  assert_string_equal(none, ".");
  assert_string_equal(root, "/");
  assert_string_equal(path_name("a/b.h5"), "b.h5");
  free(deep);
  free(up);
  free(none);
  free(root);
}

static void lines_are_appended(void **state) {
  (void)state;
  char *path = path_join(folder, "lines"), *bytes;
  size_t size;
  assert_int_equal(file_append_line(path, "one"), OK);
  json_t *root = json_pack("{s:o, s:o}", "x", json_number(1.5), "nan", json_number(NAN));
  assert_int_equal(json_append(path, root), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  assert_string_equal(bytes, "one\n{\"x\":1.5,\"nan\":null}\n");
  json_decref(root);
  free(bytes);
  free(path);
}

static void text_from_outside_is_json(void **state) {
  (void)state;
  json_t *good = json_text("caf\xc3\xa9.jpg"), *latin = json_text("caf\xe9.jpg");
  assert_string_equal(json_string_value(good), "caf\xc3\xa9.jpg");
  assert_string_equal(json_string_value(latin), "caf?.jpg");
  json_decref(good);
  json_decref(latin);
}

static void json_says_where_it_is_wrong(void **state) {
  (void)state;
  char *path = path_join(folder, "bad.json");
  json_t *root;
  assert_int_equal(file_write_atomic(path, "{\n\"a\": 1,\n\"a\": }", 16), OK);
  assert_int_equal(json_read(path, &root), BAD_INPUT);
  assert_non_null(strstr(status_message(), "bad.json:3:"));
  assert_int_equal(file_write_atomic(path, "{\"a\": 1, \"a\": 2}", 16), OK);
  assert_int_equal(json_read(path, &root), BAD_INPUT); /* the same key twice */
  root = json_pack("{s:f}", "third", 1.0 / 3);
  assert_int_equal(json_write(path, root), OK);
  json_decref(root);
  assert_int_equal(json_read(path, &root), OK);
  assert_true(json_real_value(json_object_get(root, "third")) == 1.0 / 3);
  json_decref(root);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_written_is_read, folder_make, folder_remove),
      cmocka_unit_test_setup_teardown(failures_name_the_file, folder_make, folder_remove),
      cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_old, folder_make, folder_remove),
      cmocka_unit_test_setup_teardown(folders_and_paths, folder_make, folder_remove),
      cmocka_unit_test_setup_teardown(lines_are_appended, folder_make, folder_remove),
      cmocka_unit_test(text_from_outside_is_json),
      cmocka_unit_test_setup_teardown(json_says_where_it_is_wrong, folder_make, folder_remove),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
