/* A dataset whose making was stopped: what is kept is taken up, by the same work alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/dataset_part.h"
#include "common/data/h5.h"
#include "tests/unit/test_folder.h"

enum { CELLS = 2, FEATURES = 3, DONE = 4 };
static const bool KEEP[DONE] = {true, false, true, true};
static char *path, *part;

static int set_up(void **state) {
  if (folder_make(state)) return -1;
  path = path_join(folder, "d.h5");
  part = path_join(folder, "d.h5.part");
  return 0;
}

static int tear_down(void **state) {
  unlink(path);
  free(path);
  free(part);
  return folder_drop(state);
}

static DatasetWriter *writer_new(bool half) {
  DatasetWriter *writer;
  assert_int_equal(dataset_write_begin(&writer, path, CELLS, FEATURES, half), OK);
  return writer;
}

static void part_make(bool half) {
  DatasetWriter *writer = writer_new(half);
  for (int i = 0; i < DONE; i++) {
    float row[CELLS * FEATURES];
    for (int k = 0; k < CELLS * FEATURES; k++) row[k] = (float)(10 * i + k) / 4;
    if (KEEP[i]) assert_int_equal(dataset_write_features(writer, 1, row), OK);
  }
  assert_int_equal(dataset_part_write(writer, "mine", KEEP, DONE), OK);
  assert_true(file_exists(part));
  assert_false(file_exists(path));
}

static void taken_up(void **state) {
  (void)state;
  for (int half = 0; half < 2; half++) {
    part_make(half);
    DatasetPart *opened = dataset_part_open(path, "mine", CELLS, FEATURES, half);
    assert_non_null(opened);
    assert_int_equal(dataset_part_done(opened), DONE);
    DatasetWriter *writer = writer_new(half);
    for (int i = 0; i < DONE; i++) {
      assert_int_equal(dataset_part_has(opened, i), KEEP[i]);
      if (KEEP[i]) assert_int_equal(dataset_part_take(opened, writer), OK);
    }
    assert_false(dataset_part_has(opened, DONE));
    assert_int_equal(dataset_part_take(opened, writer), FAILED); /* no more */
    dataset_part_close(opened);
    assert_int_equal(dataset_part_write(writer, "again", KEEP, DONE), OK); /* to read what was taken */
    float values[3 * CELLS * FEATURES];
    uint16_t halves[3 * CELLS * FEATURES];
    H5File file;
    assert_int_equal(h5_open(&file, part), OK);
    assert_int_equal(h5_read(&file, "features", half ? H5_HALF : H5_FLOAT, 3, (size_t[]){3, CELLS, FEATURES},
                             half ? (void *)halves : values),
                     OK);
    h5_close(&file);
    if (!half)
      for (int k = 0; k < 3 * CELLS * FEATURES; k++) {
        static const int picture[] = {0, 2, 3};
        assert_true(values[k] == (float)(10 * picture[k / 6] + k % 6) / 4);
      }
    dataset_part_remove(path);
    dataset_part_remove(path); /* idempotent */
  }
}

static void of_other_work(void **state) {
  (void)state;
  assert_null(dataset_part_open(path, "mine", CELLS, FEATURES, true));
  assert_int_equal(dataset_part_done(NULL), 0);
  assert_false(dataset_part_has(NULL, 0));
  part_make(true);
  assert_null(dataset_part_open(path, "another", CELLS, FEATURES, true));
  assert_null(dataset_part_open(path, "mine", CELLS + 1, FEATURES, true));
  assert_null(dataset_part_open(path, "mine", CELLS, FEATURES, false));
  assert_int_equal(truncate(part, 700), 0);
  assert_null(dataset_part_open(path, "mine", CELLS, FEATURES, true));
  dataset_part_remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(taken_up), cmocka_unit_test(of_other_work)};
  return cmocka_run_group_tests_name("dataset_part", tests, set_up, tear_down);
}
