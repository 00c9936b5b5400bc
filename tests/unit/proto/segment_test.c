/* Memory shared with other processes: the same bytes, no file left, and no other memory taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/segment.h"

enum { SIZE = 4 * SEGMENT_ALIGN };

/* A process that shares it writes to it, and ends by SIGKILL. */
static void write_elsewhere(const SegmentName *name, const char *text) {
  pid_t child = fork();
  if (!child) {
    Segment own = segment_new(SIZE);
    char *bytes = segment_share(&own, name, SIZE) ? segment_map(&own, SEGMENT_ALIGN, SEGMENT_ALIGN) : NULL;
    if (bytes) strcpy(bytes, text);
    raise(SIGKILL);
  }
  assert_true(child > 0 && waitpid(child, NULL, 0) == child);
}

static void test_shared(void **state) {
  (void)state;
  SegmentName name;
  Segment segment = segment_new(SIZE);
  if (segment.descriptor < 0) {
    print_message("SKIP: no memfd_create here\n");
    skip();
  }
  segment_name(&segment, &name);
  assert_true(segment_reserve(&segment, SEGMENT_ALIGN, 100));
  char *bytes = segment_map(&segment, SEGMENT_ALIGN, SEGMENT_ALIGN);
  assert_true(bytes && bytes[0] == 0);
  write_elsewhere(&name, "from elsewhere");
  assert_string_equal(bytes, "from elsewhere");
  segment_close(&segment);
  segment_close(&segment);
  assert_string_equal(bytes, "from elsewhere"); /* as long as it is mapped */
  segment_unmap(bytes, SEGMENT_ALIGN);
}

static void test_refused(void **state) {
  (void)state;
  SegmentName name, wrong;
  Segment segment = segment_new(SIZE), own = segment_new(SIZE), none = {.descriptor = -1};
  if (segment.descriptor < 0 || own.descriptor < 0) {
    print_message("SKIP: no memfd_create here\n");
    skip();
  }
  segment_name(&segment, &name);
  int descriptor = own.descriptor;
  uint64_t inode = own.inode;
  wrong = name, wrong.inode++; /* it has another one there by now */
  assert_false(segment_share(&own, &wrong, SIZE));
  wrong = name, wrong.started++; /* another process with that pid */
  assert_false(segment_share(&own, &wrong, SIZE));
  wrong = name, wrong.pid = 1 << 30; /* its holder is gone */
  assert_false(segment_share(&own, &wrong, SIZE));
  wrong = name, wrong.descriptor = 0; /* not memory */
  assert_false(segment_share(&own, &wrong, SIZE));
  assert_false(segment_share(&own, &name, 2 * SIZE));
  assert_false(segment_share(&none, &name, SIZE));
  assert_true(own.descriptor == descriptor && own.inode == inode);
  assert_true(segment_share(&own, &name, SIZE));
  assert_true(own.descriptor == descriptor && own.inode == segment.inode);
  segment_close(&segment);
  segment_close(&own);
}

/* Where nothing can be shared there is memory all the same. */
static void test_own(void **state) {
  (void)state;
  Segment none = {.descriptor = -1};
  float *floats = segment_map(&none, SEGMENT_ALIGN, SIZE);
  assert_true(floats && segment_reserve(&none, 0, SIZE));
  floats[SIZE / sizeof(float) - 1] = 3;
  segment_unmap(floats, SIZE);
  segment_unmap(NULL, SIZE);
}

/* Whatever its length and where it begins, and nothing beside it. */
static void test_copy(void **state) {
  (void)state;
  static _Alignas(64) unsigned char from[1000], to[1000];
  for (int i = 0; i < 1000; i++) from[i] = (unsigned char)(i * 7 + i / 256);
  for (size_t begin = 0; begin < 64; begin += 4)
    for (size_t size = 0; size + begin + 1 < 1000; size += 37) {
      memset(to, 0xee, sizeof to);
      segment_copy(to + begin, from + 3, size);
      assert_memory_equal(to + begin, from + 3, size);
      assert_true(to[begin + size] == 0xee && (begin == 0 || to[begin - 1] == 0xee));
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shared), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_own), cmocka_unit_test(test_copy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
