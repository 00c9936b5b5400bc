/* Slots of weights, filled piece by piece. */
#include "actor/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"

void snapshots_init(Snapshots *snapshots, size_t floats) {
  *snapshots = (Snapshots){.floats = floats, .used_policy = -1, .used_reference = -1};
  snapshots_reset(snapshots, 0);
}

void snapshots_free(Snapshots *snapshots) {
  for (int s = 0; s < SLOTS_MAX; s++) free(snapshots->slot[s].weights);
  *snapshots = (Snapshots){.used_policy = -1, .used_reference = -1};
}

static void slot_clear(SnapshotSlot *slot) {
  *slot = (SnapshotSlot){.weights = slot->weights, .policy_version = VERSION_NONE, .reference_version = VERSION_NONE};
}

void snapshots_reset(Snapshots *snapshots, int slots) {
  CHECK(slots >= 0 && slots <= SLOTS_MAX);
  snapshots->slots = slots;
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
    size_t bytes = (snapshots->floats * sizeof(float) + 63) & ~(size_t)63;
    slot->weights = aligned_alloc(64, bytes);
    if (!slot->weights) return status_set(FAILED, "out of memory: a snapshot of %zu bytes was to be taken in", bytes);
  }
  slot->policy_version = begin->policy_version;
  slot->reference_version = begin->reference_version;
  slot->crc = begin->crc;
  slot->pieces = begin->pieces;
  return OK;
}

Status snapshots_piece(Snapshots *snapshots, const SnapshotPiece *piece) {
  SnapshotSlot *slot = named(snapshots, piece->slot);
  if (!slot || slot->complete || slot->received == slot->pieces || piece->index != slot->received)
    return status_set(BAD_INPUT, "snapshot piece %u for slot %u; expected piece %u of %u", piece->index, piece->slot,
                      slot ? slot->received : 0, slot ? slot->pieces : 0);
  size_t first = (size_t)piece->index * PIECE_FLOATS, left = snapshots->floats - first;
  size_t count = left < PIECE_FLOATS ? left : PIECE_FLOATS;
  if (piece->count != count)
    return status_set(BAD_INPUT, "snapshot piece %u of %u weights; expected %zu", piece->index, piece->count, count);
  slot->running_crc = crc32c(slot->running_crc, piece->bytes, 4 * count);
  memcpy(slot->weights + first, piece->bytes, 4 * count);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  for (uint32_t *word = (uint32_t *)(void *)(slot->weights + first), *end = word + count; word < end; word++)
    *word = __builtin_bswap32(*word);
#endif
  if (++slot->received < slot->pieces) return OK;
  if (slot->running_crc != slot->crc) {
    uint32_t is = slot->running_crc, expected = slot->crc;
    slot_clear(slot);
    return status_set(BAD_INPUT, "snapshot in slot %u has CRC32C %08x; expected %08x", piece->slot, is, expected);
  }
  slot->complete = true;
  return OK;
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
static Status sink_piece(void *store, const SnapshotPiece *piece) { return snapshots_piece(store, piece); }
static Status sink_label(void *store, const SnapshotLabel *label) { return snapshots_label(store, label); }
static bool sink_holds(void *store, int64_t policy_version, int64_t reference_version) {
  return snapshots_hold(store, policy_version, reference_version);
}

LinkSink snapshots_sink(Snapshots *snapshots) {
  return (LinkSink){snapshots, sink_reset, sink_begin, sink_piece, sink_label, sink_holds};
}
