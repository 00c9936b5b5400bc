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

/* Where weights go: nowhere, all to the same memory, which all actors of a host have. */
typedef struct Store {
  unsigned char *piece;
} Store;

static void store_renew(void *data, SegmentName *name) {
  (void)data;
  *name = (SegmentName){0};
}

static bool store_share(void *data, const SegmentName *name, int slots) { return data && name && slots > 0; }

static Status store_begin(void *data, const SnapshotBegin *begin) { return data && begin ? OK : FAILED; }

static unsigned char *store_place(void *data, size_t size) {
  return size <= PIECE_BYTES ? ((Store *)data)->piece : NULL;
}
static Status store_placed(void *data) {
  (void)crc32c(0, ((Store *)data)->piece, PIECE_BYTES);
  return OK;
}

static Status store_end(void *data, const SnapshotEnd *end) { return data && end ? OK : FAILED; }

static Status store_ready(void *data, int policy_slot, int reference_slot) {
  return data && policy_slot >= 0 && reference_slot >= -1 ? OK : FAILED;
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
  LinkSink sink = {&store, store_renew, store_share, store_begin, store_place, store_placed, store_end, store_ready};
  LinkOptions options = {.floats = s->floats, .learners = s->learners, .join_s = 600, .sink = sink};
  Link *link;
  Assignment assignment;
  TRY(link_open(&link, &options));
  while (link_next(link, &assignment) == LINK_WORK) TRY(roll_out(s, link, &assignment));
  (void)link_close(link, "done", OK);
  free(store.piece);
  return OK;
}
