/* Event files: whole records with right checksums, a version first, every number of a line and nothing else. */
#include "learner/events.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/crc32c.h"
#include "common/base/file.h"
#include "tests/unit/test_folder.h"

static uint64_t little(const unsigned char *at, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; i++) value |= (uint64_t)at[i] << (8 * i);
  return value;
}

static uint32_t masked(const void *bytes, size_t size) {
  uint32_t crc = crc32c(0, bytes, size);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

typedef struct Record {
  const unsigned char *data;
  size_t size;
} Record;

static int records_of(const char *bytes, size_t size, Record *record, int most) {
  const unsigned char *at = (const unsigned char *)bytes, *end = at + size;
  int count = 0;
  for (; at < end && count < most; count++) {
    uint64_t length = little(at, 8);
    assert_true((size_t)(end - at) >= 16 + length);
    assert_int_equal(little(at + 8, 4), masked(at, 8));
    record[count] = (Record){at + 12, length};
    assert_int_equal(little(at + 12 + length, 4), masked(at + 12, length));
    at += 16 + length;
  }
  assert_true(at == end);
  return count;
}

static bool holds(Record record, const void *bytes, size_t size) {
  return memmem(record.data, record.size, bytes, size) != NULL;
}

static void lines_become_scalars(void **state) {
  (void)state;
  char *path = events_path(folder), *bytes;
  size_t size;
  Record record[8];
  assert_non_null(strstr(path, "/events.out.tfevents."));
  assert_false(file_exists(path));
  json_t *line =
      json_pack("{s:i, s:f, s:i, s:s, s:n}", "iteration", 300, "reward", 0.5, "count", 7, "text", "x", "none");
  assert_int_equal(events_append(path, line), OK);
  assert_int_equal(events_append(path, line), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  assert_int_equal(records_of(bytes, size, record, 8), 4); /* version, start of the session, two lines */
  assert_true(holds(record[0],
                    "\x1a\x0d"
                    "brain.Event:2",
                    15));
  assert_true(holds(record[1],
                    "\x10\xac\x02"
                    "\x3a\x02\x08\x01",
                    7)); /* step 300, session_log {status START} */
  for (int r = 2; r < 4; r++) {
    assert_true(holds(record[r], "\x10\xac\x02", 3));
    assert_true(holds(record[r], "\x0a\x06reward\x15\x00\x00\x00\x3f", 13)); /* 0.5f */
    assert_true(holds(record[r],
                      "\x0a\x05"
                      "count\x15\x00\x00\xe0\x40",
                      12)); /* 7.0f */
    assert_false(holds(record[r], "text", 4) || holds(record[r], "none", 4) || holds(record[r], "iteration", 9));
  }
  json_decref(line);
  unlink(path);
  free(bytes);
  free(path);
}

static void unwritable_is_named(void **state) {
  (void)state;
  json_t *line = json_pack("{s:i}", "iteration", 1);
  assert_int_equal(events_append("/nowhere/at/all", line), FAILED);
  assert_non_null(strstr(status_message(), "/nowhere/at/all"));
  json_decref(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_become_scalars),
      cmocka_unit_test(unwritable_is_named),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
