/* Slots of weights, filled piece by piece. */
#include "actor/snapshot.h"

#include <string.h>

#include "common/base/crc32c.h"

static size_t block_bytes(const Snapshots *snapshots) { return snapshots->floats * sizeof(float); }

void snapshots_init(Snapshots *snapshots, size_t floats) {
  *snapshots = (Snapshots){.floats = floats,
                           .stride = segment_stride(floats * sizeof(float)),
                           .segment.descriptor = -1,
                           .filling = -1,
                           .used = {-1, -1}};
}

void snapshots_free(Snapshots *snapshots) {
  for (int s = 0; s < SLOTS_MAX; s++) segment_unmap(snapshots->weights[s], block_bytes(snapshots));
  segment_close(&snapshots->segment);
  *snapshots = (Snapshots){.segment.descriptor = -1, .filling = -1, .used = {-1, -1}};
}

void snapshots_renew(Snapshots *snapshots, SegmentName *name) {
  CHECK(snapshots->used[0] < 0 && snapshots->used[1] < 0);
  bool alone = snapshots->alone;
  size_t floats = snapshots->floats;
  snapshots_free(snapshots);
  snapshots_init(snapshots, floats);
  snapshots->alone = alone;
  if (!alone && floats) snapshots->segment = segment_new(SLOTS_MAX * snapshots->stride);
  segment_name(&snapshots->segment, name);
}

bool snapshots_share(Snapshots *snapshots, const SegmentName *name, int slots) {
  CHECK(slots >= 0 && slots <= SLOTS_MAX);
  SegmentName own;
  segment_name(&snapshots->segment, &own);
  snapshots->slots = slots;
  if (memcmp(&own, name, sizeof own) == 0) return true;
  snapshots->alone = !segment_share(&snapshots->segment, name, SLOTS_MAX * snapshots->stride);
  return !snapshots->alone;
}

static bool in_range(const Snapshots *snapshots, int64_t slot) { return slot >= 0 && slot < snapshots->slots; }

static Status no_memory(const Snapshots *snapshots) {
  return status_set(FAILED,
                    "out of memory: a snapshot of the weights needs %zu bytes; --dry-run tells what a run needs",
                    block_bytes(snapshots));
}

static Status slot_map(Snapshots *snapshots, int slot) {
  float **weights = &snapshots->weights[slot];
  if (!*weights) *weights = segment_map(&snapshots->segment, (size_t)slot * snapshots->stride, block_bytes(snapshots));
  return *weights ? OK : no_memory(snapshots);
}

/* The next piece's place in the block, and its bytes. */
static unsigned char *next_piece(const Snapshots *snapshots, size_t *size) {
  *size = piece_bytes(snapshots->floats, snapshots->received);
  return (unsigned char *)(snapshots->weights[snapshots->filling] + (size_t)snapshots->received * PIECE_FLOATS);
}

/* Piece by piece: to make a whole block's memory would stop decoding for as long. */
static Status reserve_next(Snapshots *snapshots) {
  uint32_t *reserved = &snapshots->reserved[snapshots->filling];
  if (snapshots->received >= snapshots->pieces || snapshots->received < *reserved) return OK;
  size_t size, first = (size_t)snapshots->received * PIECE_BYTES;
  (void)next_piece(snapshots, &size);
  if (!segment_reserve(&snapshots->segment, (size_t)snapshots->filling * snapshots->stride + first, size))
    return no_memory(snapshots);
  *reserved = snapshots->received + 1;
  return OK;
}

Status snapshots_begin(Snapshots *snapshots, const SnapshotBegin *begin) {
  int slot = (int)begin->slot;
  bool known = in_range(snapshots, begin->slot);
  if (!known || slot == snapshots->used[0] || slot == snapshots->used[1])
    return status_set(BAD_INPUT, "snapshot for slot %u, which is %s", begin->slot, known ? "in use" : "out of range");
  if (begin->floats != snapshots->floats)
    return status_set(BAD_INPUT, "snapshot of %llu weights; expected %zu: do learner and actor have the same model?",
                      (unsigned long long)begin->floats, snapshots->floats);
  TRY(slot_map(snapshots, slot));
  snapshots->filling = slot;
  snapshots->pieces = begin->pieces;
  snapshots->received = 0;
  snapshots->crc = 0;
  return reserve_next(snapshots);
}

unsigned char *snapshots_place(Snapshots *snapshots, size_t size) {
  if (snapshots->filling < 0) return NULL;
  size_t due;
  unsigned char *at = next_piece(snapshots, &due);
  return snapshots->received < snapshots->pieces && size == due ? at : NULL;
}

Status snapshots_placed(Snapshots *snapshots) {
  CHECK(snapshots->filling >= 0);
  size_t size;
  unsigned char *bytes = next_piece(snapshots, &size);
  snapshots->crc = crc32c(snapshots->crc, bytes, size);
  snapshots->received++;
  return reserve_next(snapshots);
}

Status snapshots_end(Snapshots *snapshots, const SnapshotEnd *end) {
  bool filled = snapshots->filling >= 0 && end->slot == (uint32_t)snapshots->filling;
  if (!filled || snapshots->received < snapshots->pieces)
    return status_set(BAD_INPUT, "end of the snapshot in slot %u, of which %u of %u pieces came", end->slot,
                      filled ? snapshots->received : 0, filled ? snapshots->pieces : 0);
  snapshots->filling = -1;
  if (snapshots->crc == end->crc) return OK;
  return status_set(BAD_INPUT, "snapshot in slot %u has CRC32C %08x; expected %08x", end->slot, snapshots->crc,
                    end->crc);
}

Status snapshots_ready(Snapshots *snapshots, int policy_slot, int reference_slot) {
  int slot[2] = {policy_slot, reference_slot};
  for (int i = 0; i < 2; i++) {
    if (i == 1 && slot[i] == -1) continue;
    if (!in_range(snapshots, slot[i]) || slot[i] == snapshots->filling)
      return status_set(BAD_INPUT, "work with slot %d, which is %s", slot[i],
                        in_range(snapshots, slot[i]) ? "being filled" : "out of range");
    TRY(slot_map(snapshots, slot[i]));
  }
  return OK;
}

void snapshots_use(Snapshots *snapshots, int policy_slot, int reference_slot, const float **policy,
                   const float **reference) {
  CHECK(snapshots->weights[policy_slot] && (reference_slot < 0 || snapshots->weights[reference_slot]));
  snapshots->used[0] = policy_slot;
  snapshots->used[1] = reference_slot;
  *policy = snapshots->weights[policy_slot];
  *reference = reference_slot < 0 ? NULL : snapshots->weights[reference_slot];
}

void snapshots_release(Snapshots *snapshots) { snapshots->used[0] = snapshots->used[1] = -1; }

/* --- as a sink ---------------------------------------------------------------------------------------------------- */

static void sink_renew(void *store, SegmentName *name) { snapshots_renew(store, name); }
static bool sink_share(void *store, const SegmentName *name, int slots) { return snapshots_share(store, name, slots); }
static Status sink_begin(void *store, const SnapshotBegin *begin) { return snapshots_begin(store, begin); }
static unsigned char *sink_place(void *store, size_t size) { return snapshots_place(store, size); }
static Status sink_placed(void *store) { return snapshots_placed(store); }
static Status sink_end(void *store, const SnapshotEnd *end) { return snapshots_end(store, end); }
static Status sink_ready(void *store, int policy_slot, int reference_slot) {
  return snapshots_ready(store, policy_slot, reference_slot);
}

LinkSink snapshots_sink(Snapshots *snapshots) {
  return (LinkSink){snapshots, sink_renew, sink_share, sink_begin, sink_place, sink_placed, sink_end, sink_ready};
}
