/* The store of snapshots: whole blocks count, broken ones do not, those in use stay, and what one takes in others have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "actor/snapshot.h"
#include "common/base/crc32c.h"

enum { FLOATS = 2 * PIECE_FLOATS + 3 };

static float weights[FLOATS];

static SnapshotBegin begin_of(uint32_t slot, float value) {
  for (int i = 0; i < FLOATS; i++) weights[i] = value + (float)(i % 100);
  return (SnapshotBegin){slot, FLOATS, 3};
}

static SnapshotEnd end_of(uint32_t slot) { return (SnapshotEnd){slot, crc32c(0, weights, sizeof weights)}; }

/* False: it is not due. */
static bool piece(Snapshots *store, int index) {
  size_t size = index < 2 ? PIECE_BYTES : 12;
  unsigned char *at = snapshots_place(store, size);
  if (!at) return false;
  memcpy(at, weights + index * PIECE_FLOATS, size);
  assert_int_equal(snapshots_placed(store), OK);
  return true;
}

static void fill(Snapshots *store, uint32_t slot, float value) {
  SnapshotBegin begin = begin_of(slot, value);
  SnapshotEnd end = end_of(slot);
  assert_int_equal(snapshots_begin(store, &begin), OK);
  for (int i = 0; i < 3; i++) assert_true(piece(store, i));
  assert_int_equal(snapshots_ready(store, (int)slot, -1), BAD_INPUT); /* its end has not come */
  assert_int_equal(snapshots_end(store, &end), OK);
}

/* A store of its own. */
static void open_alone(Snapshots *store, int slots, SegmentName *name) {
  snapshots_init(store, FLOATS);
  snapshots_renew(store, name);
  assert_true(snapshots_share(store, name, slots));
}

static void use(Snapshots *store, int policy_slot, int reference_slot, const float **policy, const float **reference) {
  assert_int_equal(snapshots_ready(store, policy_slot, reference_slot), OK);
  snapshots_use(store, policy_slot, reference_slot, policy, reference);
}

static void test_whole(void **state) {
  (void)state;
  Snapshots store;
  SegmentName name;
  const float *policy, *reference;
  open_alone(&store, 3, &name);
  fill(&store, 0, 1);
  fill(&store, 1, 1000);
  use(&store, 0, 1, &policy, &reference);
  assert_true(policy[FLOATS - 1] == 1 + (FLOATS - 1) % 100 && reference[5] == 1005);
  use(&store, 1, -1, &policy, &reference);
  assert_true(policy[5] == 1005 && reference == NULL);
  snapshots_release(&store);
  snapshots_free(&store);
  snapshots_free(&store);
}

/* One takes it in, the other one has it. */
static void test_shared(void **state) {
  (void)state;
  Snapshots store[2];
  SegmentName name[2];
  const float *policy, *reference;
  open_alone(&store[0], 3, &name[0]);
  if (name[0].descriptor < 0) {
    print_message("SKIP: no memfd_create here\n");
    skip();
  }
  snapshots_init(&store[1], FLOATS);
  snapshots_renew(&store[1], &name[1]);
  assert_true(snapshots_share(&store[1], &name[0], 3));
  fill(&store[0], 2, 7);
  use(&store[1], 2, -1, &policy, &reference);
  assert_true(policy[5] == 12);
  snapshots_free(&store[0]);
  assert_true(policy[FLOATS - 1] == 7 + (FLOATS - 1) % 100); /* also when the one who took it in has gone */
  snapshots_release(&store[1]);
  /* memory of its own again, and when none can be shared, always */
  snapshots_renew(&store[1], &name[1]);
  assert_true(name[1].descriptor >= 0);
  name[0].pid = 1 << 30;
  assert_false(snapshots_share(&store[1], &name[0], 3));
  snapshots_renew(&store[1], &name[1]);
  assert_int_equal(name[1].descriptor, -1);
  assert_true(snapshots_share(&store[1], &name[1], 3));
  fill(&store[1], 0, 9);
  use(&store[1], 0, -1, &policy, &reference);
  assert_true(policy[5] == 14);
  snapshots_free(&store[1]);
}

static void test_refused(void **state) {
  (void)state;
  Snapshots store;
  SegmentName name;
  const float *policy, *reference;
  open_alone(&store, 2, &name);
  fill(&store, 0, 5);
  use(&store, 0, 0, &policy, &reference);
  SnapshotBegin begin = begin_of(0, 6);
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT); /* in use */
  assert_true(policy[0] == 5);
  begin.slot = 2; /* there are two */
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT);
  assert_int_equal(snapshots_ready(&store, 2, -1), BAD_INPUT);
  assert_int_equal(snapshots_ready(&store, -1, -1), BAD_INPUT);
  begin.slot = 1;
  begin.floats--;
  assert_int_equal(snapshots_begin(&store, &begin), BAD_INPUT);
  begin.floats++;
  assert_int_equal(snapshots_begin(&store, &begin), OK);
  SnapshotEnd end = end_of(1);
  assert_null(snapshots_place(&store, 12)); /* it is the last one's size */
  assert_true(piece(&store, 0));
  assert_int_equal(snapshots_end(&store, &end), BAD_INPUT); /* too early */
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
  assert_null(snapshots_place(&store, PIECE_BYTES)); /* none is under way */
  snapshots_release(&store);
  fill(&store, 0, 6); /* free again */
  snapshots_free(&store);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_shared),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
