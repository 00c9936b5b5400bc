/* Couriers against the actors' real stores, in memory that they share: whatever the trainer publishes, adopts and assigns, however
 * late results and messages come, and whoever is lost and still writes, an actor never works with other weights than its
 * assignment names, and always gets its work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "actor/snapshot.h"
#include "common/base/rng.h"
#include "proto/courier.h"

enum { FLOATS = PIECE_FLOATS + 5, ACTORS = 4, QUEUE = 256 };

/* An actor: what the learner knows of it, what it has, and what is on its way to it. */
typedef struct Actor {
  Courier courier;
  bool live; /* as the learner sees it */
  Snapshots store;
  SegmentName segment;
  Message queue[QUEUE];
  int queued;
  Assignment given[WORKS_MAX]; /* out, in its order */
  int out;
} Actor;

typedef struct World {
  Shelf shelf;
  bool near; /* the learner is on the actors' machine */
  int lag, actors, rejoined;
  long floats; /* that went into slots */
  Actor actor[ACTORS];
} World;

/* The shelf holds it, and nobody else. */
static void publish(Shelf *shelf, SnapshotKind kind, int64_t version, float value) {
  Shared *memory = shared_new(FLOATS * sizeof(float));
  for (int i = 0; i < FLOATS; i++) shared_floats(memory)[i] = value;
  shelf_publish(shelf, kind, version, memory);
  shared_drop(memory);
}

/* --- actors ----------------------------------------------------------------------------------------------------------- */

static Message dequeue(Actor *actor) {
  Message message = actor->queue[0];
  memmove(actor->queue, actor->queue + 1, (size_t)--actor->queued * sizeof message);
  return message;
}

static void lose(World *world, Actor *actor) {
  (void)world;
  courier_leave(&actor->courier);
  actor->live = false;
}

/* HELLO and WELCOME, and the message by which it is known to have the memory. */
static void join(World *world, Actor *actor) {
  const Actor *host = NULL;
  while (actor->queued) { /* what was on its way is thrown away */
    Message message = dequeue(actor);
    if (message.type == MESSAGE_SNAPSHOT_PIECE) shared_drop(message.piece.block);
  }
  actor->out = 0;
  snapshots_release(&actor->store);
  snapshots_renew(&actor->store, &actor->segment);
  for (int a = 0; a < world->actors && !host; a++)
    if (world->actor[a].live && courier_hosts(&world->actor[a].courier)) host = &world->actor[a];
  if (host) {
    courier_join(&actor->courier, &host->courier);
    actor->segment.inode = host->segment.inode;
  } else {
    courier_join_new(&actor->courier, depot_slots(world->lag));
    if (world->near) assert_true(courier_reach(&actor->courier, &actor->segment, FLOATS * sizeof(float)));
  }
  assert_true(snapshots_share(&actor->store, host ? &host->segment : &actor->segment, depot_slots(world->lag)));
  actor->courier.settled = true;
  actor->live = true;
}

static void world_open(World *world, bool near, int lag, int actors) {
  memset(world, 0, sizeof *world);
  world->near = near;
  world->lag = lag;
  world->actors = actors;
  shelf_init(&world->shelf, FLOATS, lag + 1);
  for (int a = 0; a < actors; a++) snapshots_init(&world->actor[a].store, FLOATS);
  for (int a = 0; a < actors; a++) join(world, &world->actor[a]);
}

static void world_close(World *world) {
  for (int a = 0; a < world->actors; a++) {
    Actor *actor = &world->actor[a];
    lose(world, actor);
    while (actor->queued) {
      Message message = dequeue(actor);
      if (message.type == MESSAGE_SNAPSHOT_PIECE) shared_drop(message.piece.block);
    }
    snapshots_free(&actor->store);
  }
  shelf_free(&world->shelf);
}

/* The learner sends it one message, if there is one for it. */
static bool send_next(World *world, Actor *actor) {
  if (!actor->live || actor->queued == QUEUE) return false;
  size_t filled = courier_fill(&actor->courier, &world->shelf);
  world->floats += (long)filled / 4;
  if (filled) return true;
  Message *message = &actor->queue[actor->queued];
  if (!courier_next(&actor->courier, &world->shelf, message)) return false;
  if (message->type == MESSAGE_REJOIN) {
    lose(world, actor);
    world->rejoined++;
    return true;
  }
  if (message->type == MESSAGE_SNAPSHOT_PIECE) shared_hold(message->piece.block);
  actor->queued++;
  return true;
}

static void begin_use(Actor *actor) {
  const float *policy, *reference;
  snapshots_release(&actor->store);
  if (!actor->out) return;
  snapshots_use(&actor->store, actor->given[0].policy_slot, actor->given[0].reference_slot, &policy, &reference);
}

/* It takes in one message; also one that the learner has given up. */
static bool receive(World *world, Actor *actor) {
  if (!actor->queued) return false;
  Message m = dequeue(actor);
  switch (m.type) {
    case MESSAGE_SNAPSHOT_BEGIN: assert_int_equal(snapshots_begin(&actor->store, &m.begin), OK); break;
    case MESSAGE_SNAPSHOT_PIECE:
      memcpy(snapshots_place(&actor->store, m.piece.size), m.piece.bytes, m.piece.size);
      assert_int_equal(snapshots_placed(&actor->store), OK);
      world->floats += (long)m.piece.size / 4;
      shared_drop(m.piece.block);
      break;
    case MESSAGE_SNAPSHOT_END:
      assert_int_equal(snapshots_end(&actor->store, &m.end), OK);
      if (actor->live) assert_true(courier_taken(&actor->courier, m.end.slot));
      break;
    case MESSAGE_ASSIGN:
      assert_int_equal(snapshots_ready(&actor->store, m.assignment.policy_slot, m.assignment.reference_slot), OK);
      actor->given[actor->out++] = m.assignment;
      if (actor->out == 1) begin_use(actor);
      break;
    default: fail();
  }
  return true;
}

/* All messages, to everybody, until there is none in two rounds. */
static void settle(World *world) {
  for (int n = 0, quiet = 0; quiet < 2; n++, quiet++) {
    assert_true(n < 1000);
    for (int a = 0; a < world->actors; a++) {
      bool sent = send_next(world, &world->actor[a]), received = receive(world, &world->actor[a]);
      if (sent || received) quiet = -1;
    }
  }
}

static void answer(Actor *actor) {
  Assignment *a = &actor->given[0];
  if (actor->live) courier_returned(&actor->courier, courier_find(&actor->courier, a->work, a->iteration, a->chunk));
  memmove(actor->given, actor->given + 1, (size_t)--actor->out * sizeof actor->given[0]);
  begin_use(actor);
}

static float weight(const Snapshots *store, int slot, int at) { return store->weights[slot][at]; }

/* Gives work with those versions to an actor, who then has it, with these weights. */
static void expect(World *world, int a, int64_t policy, int64_t reference, float policy_value, float reference_value) {
  Actor *actor = &world->actor[a];
  Assignment work = {.work = WORK_ROLLOUT, .policy_version = policy, .reference_version = reference, .images = 1};
  courier_assign(&actor->courier, &work);
  settle(world);
  assert_int_equal(actor->out, 1);
  assert_true(weight(&actor->store, actor->given[0].policy_slot, FLOATS - 1) == policy_value);
  if (reference != VERSION_NONE)
    assert_true(weight(&actor->store, actor->given[0].reference_slot, 0) == reference_value);
  answer(actor);
}

/* --- what is sent ------------------------------------------------------------------------------------------------------ */

/* A block goes to a machine once, for all its actors, and for all its names. */
static void nothing_twice(bool near) {
  World world;
  world_open(&world, near, 0, 3);
  publish(&world.shelf, SNAPSHOT_POLICY, 0, 5);
  settle(&world);
  assert_int_equal(world.floats, FLOATS);
  shelf_adopt(&world.shelf, 0, 0);
  for (int a = 0; a < 3; a++) expect(&world, a, 0, 0, 5, 5);
  publish(&world.shelf, SNAPSHOT_POLICY, 1, 6);
  for (int a = 0; a < 3; a++) expect(&world, a, 1, 0, 6, 5);
  shelf_adopt(&world.shelf, 1, 1);
  publish(&world.shelf, SNAPSHOT_POLICY, 2, 7);
  for (int a = 0; a < 3; a++) expect(&world, a, 2, 1, 7, 6);
  assert_int_equal(world.floats, 3 * FLOATS);
  /* nor to one who comes back, nor when the one who was sent it goes */
  lose(&world, &world.actor[0]);
  expect(&world, 1, 2, 1, 7, 6);
  join(&world, &world.actor[0]);
  expect(&world, 0, 2, 1, 7, 6);
  assert_int_equal(world.floats, 3 * FLOATS);
  assert_int_equal(world.rejoined, 0);
  /* when all are gone, all is */
  for (int a = 0; a < 3; a++) lose(&world, &world.actor[a]);
  join(&world, &world.actor[1]);
  expect(&world, 1, 2, 1, 7, 6);
  assert_int_equal(world.floats, 5 * FLOATS);
  world_close(&world);
}

static void test_nothing_is_sent_twice(void **state) {
  (void)state;
  nothing_twice(false);
  nothing_twice(true);
}

static void test_superseded_in_mid_transfer(void **state) {
  (void)state;
  World world;
  world_open(&world, false, 0, 2);
  publish(&world.shelf, SNAPSHOT_POLICY, 0, 1);
  int filler = send_next(&world, &world.actor[0]) ? 0 : 1;
  if (filler) assert_true(send_next(&world, &world.actor[1]));
  assert_true(send_next(&world, &world.actor[filler])); /* its first piece */
  publish(&world.shelf, SNAPSHOT_POLICY, 1, 2);
  assert_false(send_next(&world, &world.actor[!filler])); /* the other one may not yet write to that slot */
  settle(&world);
  assert_int_equal(world.floats, FLOATS + PIECE_FLOATS);
  for (int a = 0; a < 2; a++) expect(&world, a, 1, VERSION_NONE, 2, 0);
  world_close(&world);
}

/* --- who is lost -------------------------------------------------------------------------------------------------------- */

/* One who is lost in the middle of filling may go on writing: nobody uses that memory any more. */
static void test_filler_is_lost(void **state) {
  (void)state;
  World world;
  world_open(&world, false, 0, 3);
  publish(&world.shelf, SNAPSHOT_POLICY, 0, 1);
  settle(&world);
  publish(&world.shelf, SNAPSHOT_POLICY, 1, 2);
  int filler = 0;
  while (!send_next(&world, &world.actor[filler])) filler++;
  assert_true(send_next(&world, &world.actor[filler]));
  lose(&world, &world.actor[filler]);
  settle(&world);
  assert_int_equal(world.rejoined, 2);
  for (int a = 0; a < 3; a++)
    if (a != filler) join(&world, &world.actor[a]);
  for (int a = 0; a < 3; a++)
    if (a != filler) expect(&world, a, 1, VERSION_NONE, 2, 0);
  join(&world, &world.actor[filler]);
  expect(&world, filler, 1, VERSION_NONE, 2, 0);
  assert_int_equal(world.rejoined, 2);
  world_close(&world);
}

/* Late work keeps its slot, until there is no room left for what is needed. */
static void test_late_work_makes_room(void **state) {
  (void)state;
  World world;
  world_open(&world, false, 0, 4);
  for (int a = 0; a < 4; a++) { /* each with work of another version */
    publish(&world.shelf, SNAPSHOT_POLICY, a, (float)a);
    Assignment work = {.work = WORK_ROLLOUT, .policy_version = a, .reference_version = VERSION_NONE, .images = 1};
    courier_assign(&world.actor[a].courier, &work);
    settle(&world);
  }
  for (int a = 0; a < 4; a++) {
    assert_int_equal(world.actor[a].out, 1);
    assert_true(weight(&world.actor[a].store, world.actor[a].given[0].policy_slot, 5) == (float)a);
  }
  assert_int_equal(world.rejoined, 0);
  publish(&world.shelf, SNAPSHOT_POLICY, 4, 4);
  settle(&world); /* the slots are taken: one of the late ones has to give up its work */
  assert_int_equal(world.rejoined, 1);
  for (int a = 0; a < 4; a++) {
    if (!world.actor[a].live) continue;
    assert_true(weight(&world.actor[a].store, world.actor[a].given[0].policy_slot, 5) == (float)a);
    answer(&world.actor[a]);
    expect(&world, a, 4, VERSION_NONE, 4, 0);
  }
  world_close(&world);
}

/* --- at random ---------------------------------------------------------------------------------------------------------- */

enum { STEPS = 1500 };
static float value_of[SNAPSHOT_KINDS][STEPS + 1];

/* Right weights, also of what waits at the actor. One that is lost may have any. */
static void check_weights(const World *world) {
  for (int a = 0; a < world->actors; a++) {
    const Actor *actor = &world->actor[a];
    for (int g = 0; actor->live && g < actor->out; g++) {
      const Assignment *work = &actor->given[g];
      float policy = value_of[SNAPSHOT_POLICY][work->policy_version];
      for (int at = 0; at < FLOATS; at += FLOATS - 1) {
        assert_true(weight(&actor->store, work->policy_slot, at) == policy);
        if (work->reference_version != VERSION_NONE)
          assert_true(weight(&actor->store, work->reference_slot, at) ==
                      value_of[SNAPSHOT_REFERENCE][work->reference_version]);
      }
    }
  }
}

/* A trainer with `lag` open iterations, actors that answer, listen, are lost and come back when they like. */
static int random_run(uint32_t seed, bool near, int lag, int actors) {
  World world;
  int done = 0;
  int64_t version = 0, adopted = 0, last_adopted = 0;
  int32_t chunk = 0;
  world_open(&world, near, lag, actors);
  value_of[0][0] = value_of[1][0] = 0;
  publish(&world.shelf, SNAPSHOT_POLICY, 0, 0);
  shelf_adopt(&world.shelf, 0, 0);
  for (uint32_t n = 0; n < STEPS; n++) {
    RngKey key = {seed, RNG_TEST, n, (uint32_t)lag, 0, 0};
    uint32_t word[4];
    rng_words(&key, word);
    Actor *actor = &world.actor[word[3] % (uint32_t)actors];
    switch (word[0] % 32) {
      case 0: /* a new policy */
        value_of[0][++version] = (float)(word[1] % 10000);
        publish(&world.shelf, SNAPSHOT_POLICY, version, value_of[0][version]);
        break;
      case 1: { /* a new reference */
        bool adopt = word[1] % 2 && version > last_adopted;
        value_of[1][++adopted] = adopt ? value_of[0][version] : (float)(word[2] % 10000);
        if (adopt) shelf_adopt(&world.shelf, last_adopted = version, adopted);
        else publish(&world.shelf, SNAPSHOT_REFERENCE, adopted, value_of[1][adopted]);
        break;
      }
      case 2:
      case 3:
      case 4:
      case 5: { /* work with one of the versions in use */
        if (!actor->live || actor->courier.works >= 2) break;
        int64_t older = word[1] % (uint32_t)(lag + 1), p = version > older ? version - older : 0;
        int64_t r = word[2] % 4 == 0 ? VERSION_NONE : adopted;
        if (!shelf_find(&world.shelf, SNAPSHOT_POLICY, p)) break;
        Assignment work = {.work = WORK_ROLLOUT,
                           .iteration = n,
                           .chunk = chunk,
                           .policy_version = p,
                           .reference_version = r,
                           .images = 1};
        chunk++;
        courier_assign(&actor->courier, &work);
        break;
      }
      case 6: /* one is lost, and may not know */
        if (word[1] % 4 == 0) lose(&world, actor);
        break;
      case 7:
        if (!actor->live) join(&world, actor);
        break;
      default:
        if (word[0] / 32 % 4 == 0 && actor->out) answer(actor), done++;
        else if (word[0] / 32 % 2) (void)receive(&world, actor);
        else (void)send_next(&world, actor);
    }
    check_weights(&world);
  }
  /* whoever is there still gets what it waits for */
  for (int a = 0; a < actors; a++)
    if (!world.actor[a].live) join(&world, &world.actor[a]);
  for (int n = 0; n < 4 * WORKS_MAX; n++) {
    settle(&world);
    for (int a = 0; a < actors; a++)
      if (world.actor[a].out) answer(&world.actor[a]);
      else if (!world.actor[a].live) join(&world, &world.actor[a]);
  }
  for (int a = 0; a < actors; a++) assert_int_equal(world.actor[a].courier.works, 0);
  world_close(&world);
  return done;
}

static void test_random(void **state) {
  (void)state;
  for (int actors = 1; actors <= ACTORS; actors++) {
    int done = 0;
    for (uint32_t seed = 0; seed < 4; seed++)
      for (int lag = 0; lag < 4; lag++)
        for (int near = 0; near < 2; near++) done += random_run(seed, near, lag, actors);
    assert_true(done > 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_is_sent_twice),
      cmocka_unit_test(test_superseded_in_mid_transfer),
      cmocka_unit_test(test_filler_is_lost),
      cmocka_unit_test(test_late_work_makes_room),
      cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
