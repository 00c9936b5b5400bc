/* The store of snapshots: whole blocks count, broken ones do not, those in use stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "actor/snapshot.h"
#include "common/base/crc32c.h"

enum { FLOATS = 2 * PIECE_FLOATS + 3 };

static float weights[FLOATS];

static SnapshotBegin begin_of(uint32_t slot, int64_t policy, int64_t reference, float value) {
  for (int i = 0; i < FLOATS; i++) weights[i] = value + (float)(i % 100);
  return (SnapshotBegin){slot, policy, reference, FLOATS, 3};
}

static SnapshotEnd end_of(uint32_t slot) { return (SnapshotEnd){slot, crc32c(0, weights, sizeof weights)}; }

/* False: it is not due. */
static bool piece(Snapshots *store, int index) {
  size_t size = index < 2 ? PIECE_BYTES : 12;
  unsigned char *at = snapshots_place(store, size);
  if (!at) return false;
  memcpy(at, weights + index * PIECE_FLOATS, size);
  snapshots_placed(store);
  return true;
}

static void fill(Snapshots *store, uint32_t slot, int64_t policy, int64_t reference, float value) {
  SnapshotBegin begin = begin_of(slot, policy, reference, value);
  SnapshotEnd end = end_of(slot);
  assert_int_equal(snapshots_begin(store, &begin), OK);
  for (int i = 0; i < 3; i++) assert_true(piece(store, i));
  assert_false(snapshots_hold(store, policy, VERSION_NONE));
  assert_int_equal(snapshots_end(store, &end), OK);
}

static void test_whole(void **state) {
  (void)state;
  Snapshots store;
  const float *policy, *reference;
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, 3);
  fill(&store, 0, 7, VERSION_NONE, 1);
  assert_true(snapshots_hold(&store, 7, VERSION_NONE));
  assert_false(snapshots_hold(&store, 7, 0));
  fill(&store, 1, 8, 2, 1000);
  snapshots_use(&store, 7, 2, &policy, &reference);
  assert_true(policy[FLOATS - 1] == 1 + (FLOATS - 1) % 100 && reference[5] == 1005);
  snapshots_use(&store, 8, VERSION_NONE, &policy, &reference);
  assert_true(policy[5] == 1005 && reference == NULL);
  assert_int_equal(snapshots_label(&store, &(SnapshotLabel){0, 7, 3}), OK);
  assert_true(snapshots_hold(&store, 8, 3) && snapshots_hold(&store, 7, 2));
  snapshots_reset(&store, 3);
  assert_false(snapshots_hold(&store, 8, VERSION_NONE));
  snapshots_free(&store);
  snapshots_free(&store);
}

static void test_refused(void **state) {
  (void)state;
  Snapshots store;
  const float *policy, *reference;
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, 2);
  fill(&store, 0, 1, 1, 5);
  snapshots_use(&store, 1, 1, &policy, &reference);
  SnapshotBegin begin = begin_of(0, 2, VERSION_NONE, 6);
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT); /* in use */
  assert_true(policy[0] == 5);
  begin.slot = 2; /* there are two */
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT);
  begin.slot = 1;
  begin.floats--;
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT);
  begin.floats++;
  assert_int_equal(snapshots_begin(&store, &begin), OK);
  SnapshotEnd end = end_of(1);
  assert_null(snapshots_place(&store, 12)); /* it is the last one's size */
  assert_true(piece(&store, 0));
  assert_int_equal(snapshots_end(&store, &end), BAD_INPUT);                        /* too early */
  assert_int_equal(snapshots_label(&store, &(SnapshotLabel){1, 2, 2}), BAD_INPUT); /* not complete */
  assert_true(piece(&store, 1));
  assert_null(snapshots_place(&store, PIECE_BYTES));
  assert_true(piece(&store, 2));
  assert_null(snapshots_place(&store, 12)); /* one too many */
  end.slot = 0;                             /* another slot */
  assert_int_equal(snapshots_end(&store, &end), BAD_INPUT);
  end.slot = 1;
  end.crc++; /* a wrong bit on the way */
  assert_int_equal(snapshots_end(&store, &end), BAD_INPUT);
  assert_non_null(strstr(status_message(), "CRC32C"));
  assert_false(snapshots_hold(&store, 2, VERSION_NONE));
  assert_null(snapshots_place(&store, PIECE_BYTES)); /* none is under way */
  snapshots_release(&store);
  fill(&store, 0, 3, VERSION_NONE, 6); /* free again */
  snapshots_free(&store);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
