/* Status, arena, CRC-32C, content hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/crc32c.h"
#include "common/base/hash.h"
#include "common/base/status.h"

static Status fails(void) { return status_set(BAD_INPUT, "x.yaml:%d: bad", 3); }

static Status passes_on(int *reached) {
  TRY(fails());
  *reached = 1;
  return OK;
}

static void status_carries_its_message(void **state) {
  (void)state;
  int reached = 0;
  assert_int_equal(passes_on(&reached), BAD_INPUT);
  assert_int_equal(reached, 0);
  assert_string_equal(status_message(), "x.yaml:3: bad");
  assert_int_equal(status_prefix(FAILED, "run"), FAILED);
  assert_string_equal(status_message(), "run: x.yaml:3: bad");
  status_set(FAILED, "again: %s", status_message()); /* its own message as an argument */
  assert_string_equal(status_message(), "again: run: x.yaml:3: bad");
}

static void handler(void) { _exit(42); }

/* CHECK ends the process, through the handler that an MPI main sets. */
static void check_calls_the_handler(void **state) {
  (void)state;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(1);
    fatal_handler_set(handler);
    CHECK(1 + 1 == 3);
    _exit(0);
  }
  int waited;
  assert_int_equal(waitpid(child, &waited, 0), child);
  assert_true(WIFEXITED(waited) && WEXITSTATUS(waited) == 42);
}

static void arena_gives_and_takes_back(void **state) {
  (void)state;
  Arena arena;
  arena_init(&arena, 3 * arena_rounded(100));
  float *a = arena_floats(&arena, 25);
  size_t mark = arena_mark(&arena);
  float *b = arena_zeros(&arena, 25);
  assert_true((uintptr_t)a % 64 == 0 && (uintptr_t)b % 64 == 0 && b >= a + 25);
  for (int i = 0; i < 25; i++) assert_true(b[i] == 0);
  arena_release(&arena, mark);
  assert_ptr_equal(arena_floats(&arena, 25), b);
  assert_int_equal(arena.peak, 2 * arena_rounded(100));
  arena_free(&arena);
  arena_free(&arena);
}

static void crc32c_known_answers(void **state) {
  (void)state;
  unsigned char zeros[32] = {0}, ones[32], rising[32];
  memset(ones, 0xff, sizeof ones);
  for (int i = 0; i < 32; i++) rising[i] = (unsigned char)i;
  assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283u);
  assert_int_equal(crc32c(0, zeros, 32), 0x8A9136AAu); /* RFC 3720, B.4 */
  assert_int_equal(crc32c(0, ones, 32), 0x62A8AB43u);
  assert_int_equal(crc32c(0, rising, 32), 0x46DD794Eu);
  assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283u);
  assert_int_equal(crc32c(0, "", 0), 0);
}

/* Long ones are computed in another way than short ones. */
static void crc32c_of_parts_is_that_of_the_whole(void **state) {
  (void)state;
  enum { LONG = 100003 };
  unsigned char *bytes = malloc(LONG);
  assert_non_null(bytes);
  for (int i = 0; i < LONG; i++) bytes[i] = (unsigned char)((unsigned)i * (unsigned)i >> 3);
  uint32_t parts = 0;
  for (int i = 0; i < LONG; i += 17) parts = crc32c(parts, bytes + i, LONG - i < 17 ? LONG - i : 17);
  assert_int_equal(crc32c(0, bytes, LONG), parts);
  assert_int_equal(crc32c(crc32c(0, bytes, 40000), bytes + 40000, LONG - 40000), parts);
  free(bytes);
}

static void hash_tells_content_apart(void **state) {
  (void)state;
  char whole[HASH_TEXT], parts[HASH_TEXT], other[HASH_TEXT];
  hash_bytes("ab\0c", 5, whole);
  Hasher *hasher = hash_begin();
  hash_add_text(hasher, "ab");
  hash_add_text(hasher, "c");
  hash_end(hasher, parts);
  assert_string_equal(whole, parts);
  hasher = hash_begin();
  hash_add_text(hasher, "a");
  hash_add_text(hasher, "bc");
  hash_end(hasher, other);
  assert_string_not_equal(whole, other);
  hash_bytes("", 0, whole);
  assert_string_equal(whole, "99aa06d3014798d86001c324468d497f"); /* XXH3-128 of nothing */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(status_carries_its_message),           cmocka_unit_test(check_calls_the_handler),
      cmocka_unit_test(arena_gives_and_takes_back),           cmocka_unit_test(crc32c_known_answers),
      cmocka_unit_test(crc32c_of_parts_is_that_of_the_whole), cmocka_unit_test(hash_tells_content_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
