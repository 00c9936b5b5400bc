/* Pools: pieces that do not touch each other, however many and however large, and jansson's nodes in one. */
#include "common/base/pool.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/json_pool.h"

static size_t size_of(int piece) { return piece == 700 ? (size_t)3 << 20 : (size_t)(piece * 37 % 4000); }

static void pieces_are_apart(void **state) {
  (void)state;
  enum { PIECES = 2000 };
  static unsigned char *pieces[PIECES];
  Pool pool = {0};
  for (int p = 0; p < PIECES; p++) {
    pieces[p] = pool_take(&pool, size_of(p));
    assert_int_equal((uintptr_t)pieces[p] % _Alignof(max_align_t), 0);
    memset(pieces[p], p % 251, size_of(p));
  }
  for (int p = 0; p < PIECES; p++)
    for (size_t i = 0; i < size_of(p); i++) assert_true(pieces[p][i] == p % 251);
  pool_free(&pool);
  pool_free(&pool);
  assert_null(pool.block);
}

static void nodes_are_read_and_left(void **state) {
  (void)state;
  for (int turn = 0; turn < 2; turn++) {
    json_pool_open();
    json_t *list = json_array();
    for (int i = 0; i < 50000; i++) assert_int_equal(json_array_append_new(list, json_integer(i)), 0);
    for (int i = 0; i < 50000; i++) assert_int_equal(json_integer_value(json_array_get(list, (size_t)i)), i);
    json_pool_close();
    json_t *after = json_string("jansson's own memory again");
    assert_non_null(after);
    json_decref(after);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_are_apart),
      cmocka_unit_test(nodes_are_read_and_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
