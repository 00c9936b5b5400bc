/* The shelf: what it keeps, and who holds its memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "common/base/crc32c.h"
#include "proto/shelf.h"

enum { FLOATS = PIECE_FLOATS + 5 };

static void publish(Shelf *shelf, SnapshotKind kind, int64_t version, float value) {
  Shared *memory = shared_new(FLOATS * sizeof(float));
  for (int i = 0; i < FLOATS; i++) shared_floats(memory)[i] = value;
  shelf_publish(shelf, kind, version, memory);
  shared_drop(memory);
}

static void test_keeps_the_newest(void **state) {
  (void)state;
  Shelf shelf;
  shelf_init(&shelf, FLOATS, 2);
  for (int64_t version = 0; version < 5; version++) publish(&shelf, SNAPSHOT_POLICY, version, (float)version);
  assert_int_equal(shelf.count, 2);
  assert_null(shelf_find(&shelf, SNAPSHOT_POLICY, 2));
  const Block *block = shelf_find(&shelf, SNAPSHOT_POLICY, 4);
  assert_non_null(block);
  assert_ptr_equal(shelf_by_id(&shelf, block->id), block);
  while (block->ready < FLOATS) shelf_sum(&shelf, block->id);
  assert_int_equal(block->crc, crc32c(0, block->memory->bytes, FLOATS * sizeof(float)));
  /* as a reference it stays, however many policies come */
  shelf_adopt(&shelf, 4, 7);
  for (int64_t version = 5; version < 9; version++) publish(&shelf, SNAPSHOT_POLICY, version, 0);
  assert_non_null(shelf_find(&shelf, SNAPSHOT_REFERENCE, 7));
  assert_null(shelf_find(&shelf, SNAPSHOT_REFERENCE, VERSION_NONE));
  assert_int_equal(shelf.count, 3);
  shelf_free(&shelf);
  shelf_free(&shelf);
}

/* Memory that is still being sent outlives its block. */
static void test_memory_has_holders(void **state) {
  (void)state;
  Shelf shelf;
  shelf_init(&shelf, FLOATS, 1);
  publish(&shelf, SNAPSHOT_POLICY, 0, 5);
  Shared *memory = shared_hold(shelf.block[0].memory);
  for (int64_t version = 1; version < 4; version++) publish(&shelf, SNAPSHOT_POLICY, version, 6);
  assert_int_equal(memory->holders, 1);
  float first;
  memcpy(&first, memory->bytes, sizeof first);
  assert_true(first == 5);
  shared_drop(memory);
  shelf_free(&shelf);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_keeps_the_newest),
                                     cmocka_unit_test(test_memory_has_holders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
