/* What goes to an actor next. */
#include "proto/courier.h"

#include <stdlib.h>
#include <string.h>

typedef enum SlotState {
  SLOT_EMPTY,
  SLOT_READY,      /* for all */
  SLOT_FILLING,    /* by the filler */
  SLOT_ENDED,      /* its end was handed out: the filler has it, as far as the order of messages goes */
  SLOT_SUPERSEDED, /* in mid-transfer: the filler may still write to it, and only it may be told to fill it */
} SlotState;

typedef struct DepotSlot {
  SlotState state;
  uint64_t id; /* of the block */
  int64_t version[SNAPSHOT_KINDS];
} DepotSlot;

struct Depot {
  int slots;
  DepotSlot slot[SLOTS_MAX];
  Courier *first;      /* of those who share it, in the order in which they came */
  Courier *filler;     /* of the slots that are under way; NULL: there are none */
  int transfer;        /* slot being filled, -1 = none */
  uint32_t next_piece; /* of it */
  uint32_t adoptions;  /* of the shelf, that the slots' versions know of */
  bool crowded;        /* a block found no room */
  bool lost;
  /* within reach of this process, which then is the filler; else descriptor -1 */
  Segment segment;
  size_t block_bytes;
  unsigned char *block[SLOTS_MAX]; /* mapped when first filled */
};

/* --- who is where --------------------------------------------------------------------------------------------------- */

static void join(Courier *courier, Depot *depot, bool settled) {
  Courier **link = &depot->first;
  while (*link) link = &(*link)->next;
  *link = courier;
  *courier = (Courier){.depot = depot, .settled = settled};
}

void courier_join_new(Courier *courier, int slots) {
  CHECK(slots > 0 && slots <= SLOTS_MAX && !courier->depot);
  Depot *depot = xcalloc(1, sizeof *depot);
  depot->slots = slots;
  depot->transfer = -1;
  depot->segment.descriptor = -1;
  join(courier, depot, true);
}

void courier_join(Courier *courier, const Courier *at) {
  CHECK(courier_hosts(at) && !courier->depot);
  join(courier, at->depot, false);
}

static bool within_reach(const Depot *depot) { return depot->segment.descriptor >= 0; }

bool courier_reach(Courier *courier, const SegmentName *name, size_t block_bytes) {
  Depot *depot = courier->depot;
  size_t size = SLOTS_MAX * segment_stride(block_bytes);
  depot->block_bytes = block_bytes;
  depot->segment = segment_new(size);
  if (segment_share(&depot->segment, name, size)) return true;
  segment_close(&depot->segment);
  return false;
}

static void depot_free(Depot *depot) {
  for (int s = 0; s < SLOTS_MAX; s++) segment_unmap(depot->block[s], depot->block_bytes);
  segment_close(&depot->segment);
  free(depot);
}

void courier_leave(Courier *courier) {
  Depot *depot = courier->depot;
  if (!depot) return;
  Courier **link = &depot->first;
  while (*link != courier) link = &(*link)->next;
  *link = courier->next;
  if (depot->filler == courier) depot->lost = true;
  if (!depot->first) depot_free(depot);
  *courier = (Courier){0};
}

bool courier_hosts(const Courier *courier) { return courier->depot && courier->settled && !courier->depot->lost; }

/* --- work ----------------------------------------------------------------------------------------------------------- */

void courier_assign(Courier *courier, const Assignment *assignment) {
  CHECK(courier->works < WORKS_MAX);
  courier->work[courier->works++] = (CourierWork){*assignment, false};
}

const Assignment *courier_find(const Courier *courier, Work work, int64_t iteration, int32_t chunk) {
  for (int w = 0; w < courier->works; w++) {
    const Assignment *a = &courier->work[w].assignment;
    if (courier->work[w].sent && a->work == work && a->iteration == iteration && a->chunk == chunk) return a;
  }
  return NULL;
}

static void work_remove(Courier *courier, int at) {
  memmove(&courier->work[at], &courier->work[at + 1], (size_t)(--courier->works - at) * sizeof courier->work[0]);
}

void courier_returned(Courier *courier, const Assignment *assignment) {
  for (int w = 0; w < courier->works; w++)
    if (assignment == &courier->work[w].assignment) {
      work_remove(courier, w);
      return;
    }
  check_failed("the assignment is out", __FILE__, __LINE__);
}

static int64_t wanted(const Assignment *a, SnapshotKind kind) {
  return kind == SNAPSHOT_POLICY ? a->policy_version : a->reference_version;
}

static CourierWork *oldest_waiting(Courier *courier) {
  for (int w = 0; w < courier->works; w++)
    if (!courier->work[w].sent) return &courier->work[w];
  return NULL;
}

/* It works with weights that nobody needs any more: every iteration of theirs is complete. */
static bool out_of_date(const Courier *courier, const Shelf *shelf) {
  for (int w = 0; w < courier->works; w++)
    if (courier->work[w].sent && !shelf_find(shelf, SNAPSHOT_POLICY, courier->work[w].assignment.policy_version))
      return true;
  return false;
}

/* --- slots ---------------------------------------------------------------------------------------------------------- */

/* The slot that holds this version, whole as this actor sees it; -1: none. */
static int slot_of(const Courier *courier, SnapshotKind kind, int64_t version) {
  const Depot *depot = courier->depot;
  for (int s = 0; s < depot->slots; s++) {
    const DepotSlot *slot = &depot->slot[s];
    bool whole = slot->state == SLOT_READY || (slot->state == SLOT_ENDED && depot->filler == courier);
    if (whole && slot->version[kind] == version) return s;
  }
  return -1;
}

/* Where the work's blocks are. False: not there. */
static bool find_slots(const Courier *courier, Assignment *a) {
  a->policy_slot = slot_of(courier, SNAPSHOT_POLICY, a->policy_version);
  a->reference_slot =
      a->reference_version == VERSION_NONE ? -1 : slot_of(courier, SNAPSHOT_REFERENCE, a->reference_version);
  return a->policy_slot >= 0 && (a->reference_version == VERSION_NONE || a->reference_slot >= 0);
}

/* A policy in a slot may have become a reference. */
static void learn_versions(Depot *depot, const Shelf *shelf) {
  if (depot->adoptions == shelf->adoptions) return;
  depot->adoptions = shelf->adoptions;
  for (int s = 0; s < depot->slots; s++) {
    const Block *block = depot->slot[s].state == SLOT_EMPTY ? NULL : shelf_by_id(shelf, depot->slot[s].id);
    if (block) memcpy(depot->slot[s].version, block->version, sizeof block->version);
  }
}

/* Work that is out with any actor of the depot, or `waiting`, needs it. */
static bool slot_needed(const Depot *depot, int slot, const CourierWork *waiting) {
  for (const Courier *courier = depot->first; courier; courier = courier->next)
    for (int w = 0; w < courier->works; w++)
      if (courier->work[w].sent &&
          (courier->work[w].assignment.policy_slot == slot || courier->work[w].assignment.reference_slot == slot))
        return true;
  for (int k = 0; waiting && depot->slot[slot].state != SLOT_EMPTY && k < SNAPSHOT_KINDS; k++) {
    int64_t version = wanted(&waiting->assignment, (SnapshotKind)k);
    if (version != VERSION_NONE && depot->slot[slot].version[k] == version) return true;
  }
  return false;
}

static bool under_way(const DepotSlot *slot) { return slot->state >= SLOT_FILLING; }

/* A slot for the filler to overwrite: one whose block is no longer on the shelf (its memory is there), else an empty one. -1:
 * none. */
static int slot_to_fill(const Depot *depot, const Shelf *shelf, const CourierWork *waiting) {
  int empty = -1;
  for (int s = 0; s < depot->slots; s++) {
    const DepotSlot *slot = &depot->slot[s];
    if (slot->state == SLOT_EMPTY && empty < 0) empty = s;
    if (slot->state == SLOT_SUPERSEDED) return s;
    if (slot->state == SLOT_READY && !shelf_by_id(shelf, slot->id) && !slot_needed(depot, s, waiting)) return s;
  }
  return empty;
}

/* --- blocks --------------------------------------------------------------------------------------------------------- */

/* Begins to bring a block to the depot. False: it is there or on its way, or there is no room now. */
static bool bring(Depot *depot, const Shelf *shelf, const Block *block, const CourierWork *waiting, Message *message) {
  for (int s = 0; s < depot->slots; s++)
    if (depot->slot[s].state != SLOT_EMPTY && depot->slot[s].id == block->id) return false;
  int s = slot_to_fill(depot, shelf, waiting);
  depot->crowded = s < 0;
  if (s < 0) return false;
  depot->slot[s] = (DepotSlot){.state = SLOT_FILLING, .id = block->id};
  memcpy(depot->slot[s].version, block->version, sizeof block->version);
  depot->transfer = s;
  depot->next_piece = 0;
  message->type = MESSAGE_SNAPSHOT_BEGIN;
  message->begin =
      (SnapshotBegin){(uint32_t)s, shelf->floats, (uint32_t)((shelf->floats + PIECE_FLOATS - 1) / PIECE_FLOATS)};
  return true;
}

/* The next piece of the block under way or its end. */
static void go_on(Depot *depot, Shelf *shelf, const Block *block, Message *message) {
  size_t first = (size_t)depot->next_piece * PIECE_FLOATS, bytes = piece_bytes(shelf->floats, depot->next_piece);
  if (bytes) {
    if (first >= block->ready) shelf_sum(shelf, block->id);
    message->type = MESSAGE_SNAPSHOT_PIECE;
    message->piece = (SnapshotPiece){block->memory->bytes + sizeof(float) * first, bytes, block->memory};
    depot->next_piece++;
    return;
  }
  message->type = MESSAGE_SNAPSHOT_END;
  message->end = (SnapshotEnd){(uint32_t)depot->transfer, block->crc};
  depot->slot[depot->transfer].state = SLOT_ENDED;
  depot->transfer = -1;
}

/* What an actor's oldest waiting work lacks. Work whose versions are neither there nor on the shelf is out of date: forgotten. */
static bool bring_for(Courier *courier, const Shelf *shelf, Message *message) {
  CourierWork *waiting = oldest_waiting(courier);
  for (int k = 0; waiting && k < SNAPSHOT_KINDS; k++) {
    int64_t version = wanted(&waiting->assignment, (SnapshotKind)k);
    if (version == VERSION_NONE || slot_of(courier, (SnapshotKind)k, version) >= 0) continue;
    const Block *block = shelf_find(shelf, (SnapshotKind)k, version);
    if (!block) {
      work_remove(courier, (int)(waiting - courier->work));
      return false;
    }
    if (bring(courier->depot, shelf, block, waiting, message)) return true;
  }
  return false;
}

/* The next block that the depot lacks, and its filler is to have: for work that waits, then the newest ones. */
static bool begin(Depot *depot, const Shelf *shelf, Message *message) {
  for (Courier *courier = depot->first; courier; courier = courier->next)
    if (bring_for(courier, shelf, message)) return true;
  for (int k = 0; k < SNAPSHOT_KINDS; k++) {
    const Block *block = shelf_find(shelf, (SnapshotKind)k, shelf->newest[k]);
    if (block && bring(depot, shelf, block, NULL, message)) return true;
  }
  return false;
}

static const Courier *first_settled(const Depot *depot) {
  const Courier *courier = depot->first;
  while (courier && !courier->settled) courier = courier->next;
  return courier;
}

/* The filler goes on; when there is none, the first who can be becomes it. */
static bool fill(Courier *courier, Shelf *shelf, Message *message) {
  Depot *depot = courier->depot;
  if (within_reach(depot) || courier != (depot->filler ? depot->filler : first_settled(depot))) return false;
  if (depot->transfer >= 0) {
    const Block *block = shelf_by_id(shelf, depot->slot[depot->transfer].id);
    if (block) {
      go_on(depot, shelf, block, message);
      return true;
    }
    depot->slot[depot->transfer].state = SLOT_SUPERSEDED;
    depot->transfer = -1;
  }
  if (!begin(depot, shelf, message)) return false;
  depot->filler = courier;
  return true;
}

/* The slot under way; NULL: there is no memory. */
static unsigned char *slot_memory(Depot *depot) {
  unsigned char **block = &depot->block[depot->transfer];
  size_t at = (size_t)depot->transfer * segment_stride(depot->block_bytes);
  if (!*block && segment_reserve(&depot->segment, at, depot->block_bytes))
    *block = segment_map(&depot->segment, at, depot->block_bytes);
  return *block;
}

size_t courier_fill(Courier *courier, const Shelf *shelf) {
  Depot *depot = courier->depot;
  Message message; /* not sent */
  if (courier != depot->first || !within_reach(depot)) return 0;
  learn_versions(depot, shelf);
  if (depot->transfer < 0 && !begin(depot, shelf, &message)) return 0;
  DepotSlot *slot = &depot->slot[depot->transfer];
  const Block *block = shelf_by_id(shelf, slot->id);
  size_t first = (size_t)depot->next_piece * PIECE_BYTES, bytes = piece_bytes(shelf->floats, depot->next_piece);
  unsigned char *to = block ? slot_memory(depot) : NULL;
  if (!to) { /* superseded, or no memory: then by messages, and an actor says so */
    if (block) segment_close(&depot->segment);
    slot->state = SLOT_EMPTY;
    depot->transfer = -1;
    return 0;
  }
  segment_copy(to + first, block->memory->bytes + first, bytes);
  depot->next_piece++;
  if (first + bytes < depot->block_bytes) return bytes;
  slot->state = SLOT_READY;
  depot->transfer = -1;
  return bytes;
}

bool courier_filling(const Courier *courier) {
  const Depot *depot = courier->depot;
  return depot && (depot->filler == courier || (within_reach(depot) && depot->transfer >= 0));
}

bool courier_taken(Courier *courier, uint32_t slot) {
  Depot *depot = courier->depot;
  if (depot->filler != courier || slot >= (uint32_t)depot->slots || depot->slot[slot].state != SLOT_ENDED) return false;
  depot->slot[slot].state = SLOT_READY;
  for (int s = 0; s < depot->slots; s++)
    if (under_way(&depot->slot[s])) return true;
  depot->filler = NULL;
  return true;
}

bool courier_next(Courier *courier, Shelf *shelf, Message *message) {
  Depot *depot = courier->depot;
  learn_versions(depot, shelf);
  if (depot->lost || (depot->crowded && out_of_date(courier, shelf))) {
    depot->crowded = false;
    message->type = MESSAGE_REJOIN;
    return true;
  }
  CourierWork *waiting = oldest_waiting(courier);
  if (!waiting || !find_slots(courier, &waiting->assignment)) return fill(courier, shelf, message);
  waiting->sent = true;
  message->type = MESSAGE_ASSIGN;
  message->assignment = waiting->assignment;
  return true;
}
