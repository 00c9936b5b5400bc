/* The courier against the actor's real store of snapshots: whatever the trainer publishes, adopts and assigns, and
 * however late results come, an actor never gets work without its weights, never has weights in use overwritten, and
 * always gets its work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "actor/snapshot.h"
#include "common/base/rng.h"
#include "proto/courier.h"

enum { FLOATS = PIECE_FLOATS + 5 };

/* The shelf holds it, and nobody else. */
static void publish(Shelf *shelf, SnapshotKind kind, int64_t version, float value) {
  Shared *memory = shared_new(FLOATS * sizeof(float));
  for (int i = 0; i < FLOATS; i++) shared_floats(memory)[i] = value;
  shelf_publish(shelf, kind, version, memory);
  shared_drop(memory);
}

static void publish_whole(Shelf *shelf, SnapshotKind kind, int64_t version, float value) {
  publish(shelf, kind, version, value);
  while (shelf_sum(shelf)) continue;
}

/* Delivers one message to the store; counts its floats. */
static bool deliver(Courier *courier, const Shelf *shelf, Snapshots *store, Assignment *assignment, long *floats) {
  Message message;
  assignment->images = 0;
  if (!courier_next(courier, shelf, &message)) return false;
  switch (message.type) {
    case MESSAGE_SNAPSHOT_BEGIN: assert_int_equal(snapshots_begin(store, &message.begin), OK); break;
    case MESSAGE_SNAPSHOT_PIECE:
      memcpy(snapshots_place(store, message.piece.size), message.piece.bytes, message.piece.size);
      snapshots_placed(store);
      *floats += (long)message.piece.size / 4;
      break;
    case MESSAGE_SNAPSHOT_END: assert_int_equal(snapshots_end(store, &message.end), OK); break;
    case MESSAGE_SNAPSHOT_LABEL: assert_int_equal(snapshots_label(store, &message.label), OK); break;
    case MESSAGE_ASSIGN: *assignment = message.assignment; break;
    default: fail();
  }
  return true;
}

static void deliver_all(Courier *courier, const Shelf *shelf, Snapshots *store, long *floats) {
  Assignment assignment;
  for (int n = 0; deliver(courier, shelf, store, &assignment, floats); n++) {
    assert_int_equal(assignment.images, 0);
    assert_true(n < 100);
  }
}

static void test_adopt_sends_nothing_twice(void **state) {
  (void)state;
  Shelf shelf;
  Courier courier;
  Snapshots store;
  long floats = 0;
  shelf_init(&shelf, FLOATS, 1);
  courier_reset(&courier, 3);
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, 3);
  publish_whole(&shelf, SNAPSHOT_POLICY, 0, 0);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 0, VERSION_NONE) && !snapshots_hold(&store, 0, 0));
  shelf_adopt(&shelf, 0, 0);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 0, 0));
  assert_int_equal(floats, FLOATS);
  publish_whole(&shelf, SNAPSHOT_POLICY, 1, 1);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 1, 0));
  shelf_adopt(&shelf, 1, 1);
  publish_whole(&shelf, SNAPSHOT_POLICY, 2, 2);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 2, 1));
  assert_int_equal(floats, 3 * FLOATS);
  const float *policy, *reference;
  snapshots_use(&store, 2, 1, &policy, &reference);
  assert_true(policy[0] == 2 && reference[FLOATS - 1] == 1);
  /* someone who comes now gets both, each once */
  floats = 0;
  courier_reset(&courier, 3);
  snapshots_reset(&store, 3);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 2, 1));
  assert_int_equal(floats, 2 * FLOATS);
  snapshots_free(&store);
  shelf_free(&shelf);
}

/* What is in the checksum goes out while the rest is not yet. */
static void test_pieces_go_out_as_they_come(void **state) {
  (void)state;
  Shelf shelf;
  Courier courier;
  Snapshots store;
  Assignment assignment;
  long floats = 0;
  shelf_init(&shelf, FLOATS, 1);
  courier_reset(&courier, 3);
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, 3);
  publish(&shelf, SNAPSHOT_POLICY, 0, 7);
  assert_true(deliver(&courier, &shelf, &store, &assignment, &floats)); /* the beginning */
  assert_false(deliver(&courier, &shelf, &store, &assignment, &floats));
  assert_true(shelf_sum(&shelf));
  assert_true(deliver(&courier, &shelf, &store, &assignment, &floats));
  assert_false(deliver(&courier, &shelf, &store, &assignment, &floats));
  assert_false(shelf_sum(&shelf));
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 0, VERSION_NONE));
  const float *policy, *reference;
  snapshots_use(&store, 0, VERSION_NONE, &policy, &reference);
  assert_true(policy[FLOATS - 1] == 7);
  snapshots_free(&store);
  shelf_free(&shelf);
}

/* Memory that is still being sent outlives its block. */
static void test_memory_has_holders(void **state) {
  (void)state;
  Shelf shelf;
  shelf_init(&shelf, FLOATS, 1);
  publish_whole(&shelf, SNAPSHOT_POLICY, 0, 5);
  Shared *memory = shared_hold(shelf.block[0].memory);
  for (int64_t version = 1; version < 4; version++) publish_whole(&shelf, SNAPSHOT_POLICY, version, 6);
  assert_int_equal(memory->holders, 1);
  float first;
  memcpy(&first, memory->bytes, sizeof first);
  assert_true(first == 5);
  shared_drop(memory);
  shelf_free(&shelf);
}

static void test_superseded_in_mid_transfer(void **state) {
  (void)state;
  Shelf shelf;
  Courier courier;
  Snapshots store;
  Assignment assignment;
  long floats = 0;
  shelf_init(&shelf, FLOATS, 1);
  courier_reset(&courier, 3);
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, 3);
  publish_whole(&shelf, SNAPSHOT_POLICY, 0, 0);
  for (int n = 0; n < 2; n++) assert_true(deliver(&courier, &shelf, &store, &assignment, &floats));
  publish_whole(&shelf, SNAPSHOT_POLICY, 1, 1);
  deliver_all(&courier, &shelf, &store, &floats);
  assert_true(snapshots_hold(&store, 1, VERSION_NONE) && !snapshots_hold(&store, 0, VERSION_NONE));
  assert_int_equal(floats, FLOATS + PIECE_FLOATS);
  snapshots_free(&store);
  shelf_free(&shelf);
}

/* A trainer with `lag` open iterations, one actor that answers late, at random. */
static void random_run(uint32_t seed, int lag) {
  Shelf shelf;
  Courier courier;
  Snapshots store;
  static float policy_value[400], reference_value[400];
  Assignment given[WORKS_MAX], assignment;
  const float *policy, *reference;
  int out = 0, done = 0;
  long floats = 0;
  int64_t version = 0, adopted = 0, last_adopted = 0;
  bool adopt;
  int32_t chunk = 0;
  shelf_init(&shelf, FLOATS, lag + 1);
  courier_reset(&courier, lag + 3);
  snapshots_init(&store, FLOATS);
  snapshots_reset(&store, lag + 3);
  policy_value[0] = reference_value[0] = 0;
  publish_whole(&shelf, SNAPSHOT_POLICY, 0, 0);
  shelf_adopt(&shelf, 0, 0);
  for (uint32_t n = 0; n < 600; n++) {
    RngKey key = {seed, RNG_TEST, n, (uint32_t)lag, 0, 0};
    uint32_t word[4];
    rng_words(&key, word);
    switch (word[0] % 16) {
      case 0: /* a new policy */
        policy_value[++version] = (float)(word[1] % 10000);
        publish_whole(&shelf, SNAPSHOT_POLICY, version, policy_value[version]);
        break;
      case 1: /* a new reference */
        adopt = word[1] % 2 && version > last_adopted;
        reference_value[++adopted] = adopt ? policy_value[version] : (float)(word[2] % 10000);
        if (adopt) shelf_adopt(&shelf, last_adopted = version, adopted);
        else publish_whole(&shelf, SNAPSHOT_REFERENCE, adopted, reference_value[adopted]);
        break;
      case 2:
      case 3:
      case 4: { /* work with one of the versions in use */
        if (courier.works >= 2) break;
        int64_t older = word[1] % (uint32_t)(lag + 1), p = version > older ? version - older : 0;
        int64_t r = word[2] % 4 == 0 ? VERSION_NONE : adopted;
        if (!shelf_find(&shelf, SNAPSHOT_POLICY, p)) break;
        Assignment a = {WORK_ROLLOUT, n, chunk++, p, r, 1, {0}};
        courier_assign(&courier, &a);
        break;
      }
      case 5: /* the actor answers the oldest */
        if (!out) break;
        snapshots_release(&store);
        courier_returned(&courier, courier_find(&courier, WORK_ROLLOUT, given[0].iteration, given[0].chunk));
        memmove(given, given + 1, (size_t)--out * sizeof given[0]);
        done++;
        if (!out) break;
        snapshots_use(&store, given[0].policy_version, given[0].reference_version, &policy, &reference);
        break;
      default:
        if (!deliver(&courier, &shelf, &store, &assignment, &floats) || !assignment.images) break;
        assert_true(snapshots_hold(&store, assignment.policy_version, assignment.reference_version));
        given[out++] = assignment;
        snapshots_use(&store, given[0].policy_version, given[0].reference_version, &policy, &reference);
    }
    for (int g = 0; g < out; g++) { /* right weights, also of what waits at the actor */
      int64_t p = given[g].policy_version, r = given[g].reference_version;
      assert_true(snapshots_hold(&store, p, r));
      snapshots_use(&store, p, r, &policy, &reference);
      assert_true(policy[0] == policy_value[p] && policy[FLOATS - 1] == policy_value[p]);
      if (reference) assert_true(reference[0] == reference_value[r] && reference[FLOATS - 1] == reference_value[r]);
    }
    if (out) snapshots_use(&store, given[0].policy_version, given[0].reference_version, &policy, &reference);
  }
  assert_true(done > 10);
  snapshots_free(&store);
  shelf_free(&shelf);
}

static void test_random(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 10; seed++)
    for (int lag = 0; lag < 4; lag++) random_run(seed, lag);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_adopt_sends_nothing_twice),
      cmocka_unit_test(test_pieces_go_out_as_they_come),
      cmocka_unit_test(test_memory_has_holders),
      cmocka_unit_test(test_superseded_in_mid_transfer),
      cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
