/* What goes to an actor next. */
#include "proto/courier.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"

/* --- shelf -------------------------------------------------------------------------------------------------------- */

void shelf_init(Shelf *shelf, size_t floats, int keep) {
  CHECK(floats > 0 && keep > 0 && keep <= SLOTS_MAX);
  *shelf = (Shelf){.floats = floats, .keep = keep, .newest = {VERSION_NONE, VERSION_NONE}, .next_id = 1};
}

void shelf_free(Shelf *shelf) {
  for (int b = 0; b < shelf->count; b++) shared_drop(shelf->block[b].memory);
  shelf->count = 0;
}

const Block *shelf_find(const Shelf *shelf, SnapshotKind kind, int64_t version) {
  for (int b = 0; version != VERSION_NONE && b < shelf->count; b++)
    if (shelf->block[b].version[kind] == version) return &shelf->block[b];
  return NULL;
}

static const Block *shelf_by_id(const Shelf *shelf, uint64_t id) {
  for (int b = 0; b < shelf->count; b++)
    if (shelf->block[b].id == id) return &shelf->block[b];
  return NULL;
}

/* Is version v of that kind one of the `keep` newest? */
static bool kept(const Shelf *shelf, SnapshotKind kind, int64_t version) {
  int newer = 0;
  if (version == VERSION_NONE) return false;
  for (int b = 0; b < shelf->count; b++) newer += shelf->block[b].version[kind] > version;
  return newer < shelf->keep;
}

static void shelf_drop_old(Shelf *shelf) {
  bool keep[BLOCKS_MAX];
  for (int b = 0; b < shelf->count; b++)
    keep[b] = kept(shelf, SNAPSHOT_POLICY, shelf->block[b].version[SNAPSHOT_POLICY]) ||
              kept(shelf, SNAPSHOT_REFERENCE, shelf->block[b].version[SNAPSHOT_REFERENCE]);
  int count = 0;
  for (int b = 0; b < shelf->count; b++) {
    if (keep[b]) shelf->block[count++] = shelf->block[b];
    else shared_drop(shelf->block[b].memory);
  }
  shelf->count = count;
}

void shelf_publish(Shelf *shelf, SnapshotKind kind, int64_t version, Shared *memory) {
  CHECK(version > shelf->newest[kind] && shelf->count < BLOCKS_MAX);
  Block *block = &shelf->block[shelf->count++];
  *block = (Block){.id = shelf->next_id++, .version = {VERSION_NONE, VERSION_NONE}, .memory = shared_hold(memory)};
  block->version[kind] = shelf->newest[kind] = version;
  shelf_drop_old(shelf);
}

bool shelf_sum(Shelf *shelf) {
  Block *block = &shelf->block[shelf->count - 1];
  size_t left = shelf->floats - block->ready, count = left < PIECE_FLOATS ? left : PIECE_FLOATS;
  block->crc = crc32c(block->crc, block->memory->bytes + 4 * block->ready, 4 * count);
  block->ready += count;
  return block->ready < shelf->floats;
}

void shelf_adopt(Shelf *shelf, int64_t policy_version, int64_t reference_version) {
  CHECK(reference_version > shelf->newest[SNAPSHOT_REFERENCE]);
  for (int b = 0; b < shelf->count; b++) {
    if (shelf->block[b].version[SNAPSHOT_POLICY] != policy_version) continue;
    CHECK(shelf->block[b].version[SNAPSHOT_REFERENCE] == VERSION_NONE); /* work may be out under that name */
    shelf->block[b].version[SNAPSHOT_REFERENCE] = reference_version;
    shelf->newest[SNAPSHOT_REFERENCE] = reference_version;
    shelf_drop_old(shelf);
    return;
  }
  check_failed("the policy to adopt is kept", __FILE__, __LINE__);
}

/* --- courier ------------------------------------------------------------------------------------------------------ */

static const CourierSlot empty_slot = {0, {VERSION_NONE, VERSION_NONE}, false};

void courier_reset(Courier *courier, int slots) {
  CHECK(slots > 0 && slots <= SLOTS_MAX);
  courier->slots = slots;
  for (int s = 0; s < SLOTS_MAX; s++) courier->slot[s] = empty_slot;
  courier->transfer = -1;
  courier->works = 0;
}

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

/* The slot that holds this version, complete, with the label the actor knows; -1: none. */
static int slot_of(const Courier *courier, SnapshotKind kind, int64_t version) {
  for (int s = 0; s < courier->slots; s++)
    if (courier->slot[s].complete && courier->slot[s].version[kind] == version) return s;
  return -1;
}

static bool ready(const Courier *courier, const Assignment *a) {
  return slot_of(courier, SNAPSHOT_POLICY, a->policy_version) >= 0 &&
         (a->reference_version == VERSION_NONE || slot_of(courier, SNAPSHOT_REFERENCE, a->reference_version) >= 0);
}

static CourierWork *oldest_waiting(Courier *courier) {
  for (int w = 0; w < courier->works; w++)
    if (!courier->work[w].sent) return &courier->work[w];
  return NULL;
}

/* Needed by work that is out, or by the next that waits. */
static bool slot_needed(const Courier *courier, int slot, const CourierWork *waiting) {
  const CourierSlot *s = &courier->slot[slot];
  for (int w = 0; w < courier->works; w++) {
    const CourierWork *work = &courier->work[w];
    if (!work->sent && work != waiting) continue;
    for (int k = 0; k < SNAPSHOT_KINDS; k++) {
      int64_t version = wanted(&work->assignment, (SnapshotKind)k);
      if (version != VERSION_NONE && s->version[k] == version) return true;
    }
  }
  return false;
}

/* A slot to overwrite: one whose block is no longer on the shelf (its memory is there), else an empty one, else (when `must`)
 * the one with the oldest policy. -1: none. */
static int slot_to_fill(const Courier *courier, const Shelf *shelf, const CourierWork *waiting, bool must) {
  int best = -1, best_rank = 3;
  for (int s = 0; s < courier->slots; s++) {
    const CourierSlot *slot = &courier->slot[s];
    if (s == courier->transfer || slot_needed(courier, s, waiting)) continue;
    int rank = !slot->id ? 1 : !shelf_by_id(shelf, slot->id) ? 0 : 2;
    if (rank == 2 && !must) continue;
    if (rank < best_rank || (rank == best_rank && rank == 2 &&
                             slot->version[SNAPSHOT_POLICY] < courier->slot[best].version[SNAPSHOT_POLICY])) {
      best = s;
      best_rank = rank;
    }
  }
  return best;
}

/* Brings a block or the label it lacks to the actor. False: it is there, or there is no room now. */
static bool bring(Courier *courier, const Shelf *shelf, const Block *block, const CourierWork *waiting, bool must,
                  Message *message) {
  for (int s = 0; s < courier->slots; s++) {
    CourierSlot *slot = &courier->slot[s];
    if (slot->id != block->id) continue;
    if (!slot->complete || memcmp(slot->version, block->version, sizeof slot->version) == 0) return false;
    memcpy(slot->version, block->version, sizeof slot->version);
    message->type = MESSAGE_SNAPSHOT_LABEL;
    message->label = (SnapshotLabel){(uint32_t)s, block->version[SNAPSHOT_POLICY], block->version[SNAPSHOT_REFERENCE]};
    return true;
  }
  int s = slot_to_fill(courier, shelf, waiting, must);
  if (s < 0) return false;
  courier->slot[s] = (CourierSlot){.id = block->id};
  memcpy(courier->slot[s].version, block->version, sizeof block->version);
  courier->transfer = s;
  courier->next_piece = 0;
  message->type = MESSAGE_SNAPSHOT_BEGIN;
  message->begin = (SnapshotBegin){(uint32_t)s, block->version[SNAPSHOT_POLICY], block->version[SNAPSHOT_REFERENCE],
                                   shelf->floats, (uint32_t)((shelf->floats + PIECE_FLOATS - 1) / PIECE_FLOATS)};
  return true;
}

/* The next piece of the block under way or its end. False: the piece is not there yet. */
static bool go_on(Courier *courier, const Shelf *shelf, const Block *block, Message *message) {
  size_t first = (size_t)courier->next_piece * PIECE_FLOATS, left = shelf->floats - first;
  size_t floats = left < PIECE_FLOATS ? left : PIECE_FLOATS;
  if (first < shelf->floats && first + floats > block->ready) return false;
  if (first < shelf->floats) {
    message->type = MESSAGE_SNAPSHOT_PIECE;
    message->piece = (SnapshotPiece){block->memory->bytes + 4 * first, 4 * floats, block->memory};
    courier->next_piece++;
    return true;
  }
  message->type = MESSAGE_SNAPSHOT_END;
  message->end = (SnapshotEnd){(uint32_t)courier->transfer, block->crc};
  courier->slot[courier->transfer].complete = true;
  courier->transfer = -1;
  return true;
}

/* What the oldest waiting work lacks. Work whose versions are neither there nor on the shelf is out of date:
 * forgotten. */
static bool bring_for(Courier *courier, const Shelf *shelf, CourierWork *waiting, Message *message) {
  for (int k = 0; k < SNAPSHOT_KINDS; k++) {
    int64_t version = wanted(&waiting->assignment, (SnapshotKind)k);
    if (version == VERSION_NONE || slot_of(courier, (SnapshotKind)k, version) >= 0) continue;
    const Block *block = shelf_find(shelf, (SnapshotKind)k, version);
    if (!block) {
      work_remove(courier, (int)(waiting - courier->work));
      return false;
    }
    if (bring(courier, shelf, block, waiting, true, message)) return true;
  }
  return false;
}

bool courier_next(Courier *courier, const Shelf *shelf, Message *message) {
  CourierWork *waiting = oldest_waiting(courier);
  if (waiting && ready(courier, &waiting->assignment)) {
    waiting->sent = true;
    message->type = MESSAGE_ASSIGN;
    message->assignment = waiting->assignment;
    return true;
  }
  if (courier->transfer >= 0) {
    const Block *block = shelf_by_id(shelf, courier->slot[courier->transfer].id);
    if (block) return go_on(courier, shelf, block, message);
    courier->slot[courier->transfer] = empty_slot; /* superseded in mid-transfer */
    courier->transfer = -1;
  }
  if (waiting) {
    if (bring_for(courier, shelf, waiting, message)) return true;
    waiting = oldest_waiting(courier);
  }
  for (int k = 0; k < SNAPSHOT_KINDS; k++) {
    const Block *block = shelf_find(shelf, (SnapshotKind)k, shelf->newest[k]);
    if (block && bring(courier, shelf, block, waiting, false, message)) return true;
  }
  return false;
}
