/* A simulated actor: the real link and its messages, around a store that keeps no weights and decoding that only takes time. */
#include <math.h>
#include <string.h>

#include "common/base/rng.h"
#include "proto/link.h"
#include "tests/smpi/simulation.h"
#include "tests/smpi/stand_in.h"

enum { SHORTEST = 5, LENGTHS = 13, COMPONENTS = 8 };

int simulation_length(int32_t image, int caption) {
  RngKey key = {1, RNG_TEST, 0, (uint32_t)image, (uint32_t)caption, 0};
  uint32_t words[4];
  rng_words(&key, words);
  return SHORTEST + (int)(words[0] % LENGTHS);
}

/* Where weights go: nowhere, all to the same memory. */
typedef struct Store {
  unsigned char *piece;
  SnapshotBegin slot[SLOTS_MAX];
  bool complete[SLOTS_MAX];
} Store;

static void store_reset(void *data, int slots) {
  Store *store = data;
  (void)slots;
  memset(store->complete, 0, sizeof store->complete);
}

static Status store_begin(void *data, const SnapshotBegin *begin) {
  Store *store = data;
  store->slot[begin->slot] = *begin;
  store->complete[begin->slot] = false;
  return OK;
}

static unsigned char *store_place(void *data, size_t size) {
  return size <= PIECE_BYTES ? ((Store *)data)->piece : NULL;
}
static void store_placed(void *data) { (void)crc32c(0, ((Store *)data)->piece, PIECE_BYTES); }

static Status store_end(void *data, const SnapshotEnd *end) {
  ((Store *)data)->complete[end->slot] = true;
  return OK;
}

static Status store_label(void *data, const SnapshotLabel *label) {
  Store *store = data;
  store->slot[label->slot].policy_version = label->policy_version;
  store->slot[label->slot].reference_version = label->reference_version;
  return OK;
}

static bool store_holds(void *data, int64_t policy, int64_t reference) {
  const Store *store = data;
  bool found[2] = {false, reference == VERSION_NONE};
  for (int s = 0; s < SLOTS_MAX; s++) {
    found[0] = found[0] || (store->complete[s] && store->slot[s].policy_version == policy);
    found[1] = found[1] || (store->complete[s] && store->slot[s].reference_version == reference);
  }
  return found[0] && found[1];
}

/* Computes for so long, and polls as decoding does. */
static bool decode(const Simulation *s, Link *link, double seconds) {
  for (double step; seconds > 0; seconds -= step) {
    step = fmin(seconds, s->failing ? SIMULATION_POLL_S : LINK_POLL_S);
    stand_in_compute(step);
    if (link_poll(link) != LINK_WORK) return false;
  }
  return true;
}

static Status roll_out(const Simulation *s, Link *link, const Assignment *assignment) {
  int captions = assignment->images * SIMULATION_GROUP, tokens = 0;
  for (int c = 0; c < captions; c++)
    tokens += simulation_length(assignment->image[c / SIMULATION_GROUP], c % SIMULATION_GROUP);
  Result result;
  result_init(&result, assignment->images, captions, tokens, COMPONENTS, true, false);
  result_name(&result, assignment);
  for (int i = 0; i <= assignment->images; i++) result.image_start[i] = i * SIMULATION_GROUP;
  for (int c = 0; c < captions; c++)
    result.caption_start[c + 1] =
        result.caption_start[c] + simulation_length(assignment->image[c / SIMULATION_GROUP], c % SIMULATION_GROUP);
  result.seconds[SECONDS_DECODE] = (double)tokens / s->actor_rate;
  result.seconds[SECONDS_IDLE] = link_idle_seconds(link);
  Status status = decode(s, link, result.seconds[SECONDS_DECODE]) ? link_send_result(link, &result) : OK;
  result_free(&result);
  return status;
}

Status simulation_actor(const Simulation *s) {
  Store store = {.piece = xmalloc(PIECE_BYTES)};
  LinkSink sink = {&store, store_reset, store_begin, store_place, store_placed, store_end, store_label, store_holds};
  LinkOptions options = {.floats = s->floats, .learners = s->learners, .join_s = 600, .sink = sink};
  Link *link;
  Assignment assignment;
  TRY(link_open(&link, &options));
  while (link_next(link, &assignment) == LINK_WORK) TRY(roll_out(s, link, &assignment));
  (void)link_close(link, "done", OK);
  free(store.piece);
  return OK;
}
