/* Slots of weights, filled piece by piece. */
#include "actor/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"

void snapshots_init(Snapshots *snapshots, size_t floats) {
  *snapshots = (Snapshots){.floats = floats, .filling = -1, .used_policy = -1, .used_reference = -1};
  snapshots_reset(snapshots, 0);
}

void snapshots_free(Snapshots *snapshots) {
  for (int s = 0; s < SLOTS_MAX; s++) free(snapshots->slot[s].weights);
  *snapshots = (Snapshots){.filling = -1, .used_policy = -1, .used_reference = -1};
}

static void slot_clear(SnapshotSlot *slot) {
  *slot = (SnapshotSlot){.weights = slot->weights, .policy_version = VERSION_NONE, .reference_version = VERSION_NONE};
}

void snapshots_reset(Snapshots *snapshots, int slots) {
  CHECK(slots >= 0 && slots <= SLOTS_MAX);
  snapshots->slots = slots;
  snapshots->filling = -1;
  for (int s = 0; s < SLOTS_MAX; s++) slot_clear(&snapshots->slot[s]);
  snapshots_release(snapshots);
}

/* The slot a message names, or NULL. */
static SnapshotSlot *named(Snapshots *snapshots, uint32_t slot) {
  return slot < (uint32_t)snapshots->slots ? &snapshots->slot[slot] : NULL;
}

Status snapshots_begin(Snapshots *snapshots, const SnapshotBegin *begin) {
  SnapshotSlot *slot = named(snapshots, begin->slot);
  if (!slot || (int)begin->slot == snapshots->used_policy || (int)begin->slot == snapshots->used_reference)
    return status_set(BAD_INPUT, "snapshot for slot %u, which is %s", begin->slot, slot ? "in use" : "out of range");
  if (begin->floats != snapshots->floats)
    return status_set(BAD_INPUT, "snapshot of %llu weights; expected %zu: do learner and actor have the same model?",
                      (unsigned long long)begin->floats, snapshots->floats);
  slot_clear(slot);
  if (!slot->weights) {
    size_t bytes = snapshots->floats * sizeof(float);
    slot->weights = aligned_new(bytes);
    if (!slot->weights) return status_set(FAILED, "out of memory: a snapshot of %zu bytes was to be taken in", bytes);
  }
  slot->policy_version = begin->policy_version;
  slot->reference_version = begin->reference_version;
  slot->pieces = begin->pieces;
  snapshots->filling = (int)begin->slot;
  return OK;
}

/* The next piece's place in the block, and its bytes. */
static unsigned char *next_piece(const Snapshots *snapshots, const SnapshotSlot *slot, size_t *size) {
  size_t first = (size_t)slot->received * PIECE_FLOATS, left = snapshots->floats - first;
  *size = 4 * (left < PIECE_FLOATS ? left : PIECE_FLOATS);
  return (unsigned char *)(slot->weights + first);
}

unsigned char *snapshots_place(Snapshots *snapshots, size_t size) {
  if (snapshots->filling < 0) return NULL;
  const SnapshotSlot *slot = &snapshots->slot[snapshots->filling];
  size_t due;
  unsigned char *at = next_piece(snapshots, slot, &due);
  return slot->received < slot->pieces && size == due ? at : NULL;
}

void snapshots_placed(Snapshots *snapshots) {
  CHECK(snapshots->filling >= 0);
  SnapshotSlot *slot = &snapshots->slot[snapshots->filling];
  size_t size;
  unsigned char *bytes = next_piece(snapshots, slot, &size);
  slot->crc = crc32c(slot->crc, bytes, size);
  slot->received++;
}

Status snapshots_end(Snapshots *snapshots, const SnapshotEnd *end) {
  SnapshotSlot *slot = named(snapshots, end->slot);
  if (!slot || (int)end->slot != snapshots->filling || slot->received < slot->pieces)
    return status_set(BAD_INPUT, "end of the snapshot in slot %u, of which %u of %u pieces came", end->slot,
                      slot ? slot->received : 0, slot ? slot->pieces : 0);
  snapshots->filling = -1;
  slot->complete = slot->crc == end->crc;
  if (slot->complete) return OK;
  uint32_t is = slot->crc;
  slot_clear(slot);
  return status_set(BAD_INPUT, "snapshot in slot %u has CRC32C %08x; expected %08x", end->slot, is, end->crc);
}

Status snapshots_label(Snapshots *snapshots, const SnapshotLabel *label) {
  SnapshotSlot *slot = named(snapshots, label->slot);
  if (!slot || !slot->complete)
    return status_set(BAD_INPUT, "label for slot %u, which holds no complete snapshot", label->slot);
  slot->policy_version = label->policy_version;
  slot->reference_version = label->reference_version;
  return OK;
}

static int find(const Snapshots *snapshots, int64_t version, bool reference) {
  for (int s = 0; s < snapshots->slots; s++) {
    const SnapshotSlot *slot = &snapshots->slot[s];
    if (slot->complete && (reference ? slot->reference_version : slot->policy_version) == version) return s;
  }
  return -1;
}

bool snapshots_hold(const Snapshots *snapshots, int64_t policy_version, int64_t reference_version) {
  return find(snapshots, policy_version, false) >= 0 &&
         (reference_version == VERSION_NONE || find(snapshots, reference_version, true) >= 0);
}

void snapshots_use(Snapshots *snapshots, int64_t policy_version, int64_t reference_version, const float **policy,
                   const float **reference) {
  CHECK(snapshots_hold(snapshots, policy_version, reference_version));
  snapshots->used_policy = find(snapshots, policy_version, false);
  snapshots->used_reference = reference_version == VERSION_NONE ? -1 : find(snapshots, reference_version, true);
  *policy = snapshots->slot[snapshots->used_policy].weights;
  *reference = snapshots->used_reference < 0 ? NULL : snapshots->slot[snapshots->used_reference].weights;
}

void snapshots_release(Snapshots *snapshots) { snapshots->used_policy = snapshots->used_reference = -1; }

/* --- as a sink ---------------------------------------------------------------------------------------------------- */

static void sink_reset(void *store, int slots) { snapshots_reset(store, slots); }
static Status sink_begin(void *store, const SnapshotBegin *begin) { return snapshots_begin(store, begin); }
static unsigned char *sink_place(void *store, size_t size) { return snapshots_place(store, size); }
static void sink_placed(void *store) { snapshots_placed(store); }
static Status sink_end(void *store, const SnapshotEnd *end) { return snapshots_end(store, end); }
static Status sink_label(void *store, const SnapshotLabel *label) { return snapshots_label(store, label); }
static bool sink_holds(void *store, int64_t policy_version, int64_t reference_version) {
  return snapshots_hold(store, policy_version, reference_version);
}

LinkSink snapshots_sink(Snapshots *snapshots) {
  return (LinkSink){snapshots, sink_reset, sink_begin, sink_place, sink_placed, sink_end, sink_label, sink_holds};
}
