/* Seals: files that fit theirs, have none, or lost a byte anywhere. */
#include "common/base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "tests/unit/test_folder.h"

static void whole_files_pass(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "%s/whole", folder);
  for (size_t size = 0; size < 3000000; size = size * 7 + 1) { /* below, at and above a block */
    char *bytes = calloc(size + 1, 1);
    memset(bytes, 'x', size);
    assert_int_equal(file_write_atomic(path, bytes, size), OK);
    assert_int_equal(seal_check(path), OK); /* it has none */
    assert_int_equal(seal_add(path, path), OK);
    assert_int_equal(seal_check(path), OK);
    free(bytes);
  }
}

static void a_lost_byte_is_found(void **state) {
  (void)state;
  char path[64], *bytes;
  size_t size;
  snprintf(path, sizeof path, "%s/damaged", folder);
  assert_int_equal(file_write_atomic(path, "some content", 12), OK);
  assert_int_equal(seal_add(path, path), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  assert_int_equal(size, 12 + 40);
  for (size_t i = 0; i < size; i++) {
    bytes[i] ^= 4;
    assert_int_equal(file_write_atomic(path, bytes, size), OK);
    bool magic = i >= 12 && i < 20; /* then it has none */
    assert_int_equal(seal_check(path), magic ? OK : BAD_INPUT);
    if (!magic) assert_non_null(strstr(status_message(), path));
    bytes[i] ^= 4;
  }
  assert_int_equal(file_write_atomic(path, bytes + 1, size - 1), OK); /* it begins later */
  assert_int_equal(seal_check(path), BAD_INPUT);
  free(bytes);
}

static void files_that_are_not_there(void **state) {
  (void)state;
  char path[64];
  snprintf(path, sizeof path, "%s/absent", folder);
  assert_int_equal(seal_check(path), FAILED);
  assert_int_equal(seal_add(path, "its name"), FAILED);
  assert_non_null(strstr(status_message(), "its name: cannot be read: No such file"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(whole_files_pass), cmocka_unit_test(a_lost_byte_is_found),
                                     cmocka_unit_test(files_that_are_not_there)};
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
