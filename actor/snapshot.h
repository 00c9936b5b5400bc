/* Snapshots: the weights an actor rolls out with. A few slots, each one block that carries a policy version, a
 * reference version or both. Blocks arrive piece by piece into a slot nobody reads while decoding goes on with others;
 * a block counts only when all its pieces and its CRC32C are right. Knows no MPI: proto/link.h feeds it. Slots are
 * allocated when first written. */
#ifndef TROUPE_ACTOR_SNAPSHOT_H
#define TROUPE_ACTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "proto/link.h"
#include "proto/messages.h"

typedef struct SnapshotSlot {
  float *weights; /* [floats], 64-byte aligned, owned; NULL before first use */
  int64_t policy_version, reference_version;
  uint32_t pieces, received;
  uint32_t crc; /* of those received */
  bool complete;
} SnapshotSlot;

typedef struct Snapshots {
  size_t floats;
  int slots;
  SnapshotSlot slot[SLOTS_MAX];
  int filling;                     /* the slot whose pieces come, -1 = none */
  int used_policy, used_reference; /* slots in use by the chunk in hand, -1 = none */
} Snapshots;

void snapshots_init(Snapshots *snapshots, size_t floats);
void snapshots_free(Snapshots *snapshots); /* idempotent */
/* Forgets all blocks (memory is kept for the next ones). */
void snapshots_reset(Snapshots *snapshots, int slots);

/* Errors (BAD_INPUT, the learner broke the protocol): a slot that is out of range or in use, another number of floats,
 * the end of another slot, too early or with a CRC that does not fit, a label on an incomplete block. */
Status snapshots_begin(Snapshots *snapshots, const SnapshotBegin *begin);
Status snapshots_end(Snapshots *snapshots, const SnapshotEnd *end);
Status snapshots_label(Snapshots *snapshots, const SnapshotLabel *label);

/* Where the next piece is received; NULL when none of `size` bytes is due. Then: it is there. */
unsigned char *snapshots_place(Snapshots *snapshots, size_t size);
void snapshots_placed(Snapshots *snapshots);

bool snapshots_hold(const Snapshots *snapshots, int64_t policy_version, int64_t reference_version);

/* Takes the blocks of a chunk into use until snapshots_release: they cannot be overwritten. CHECKs that they are held.
 * *reference is NULL for VERSION_NONE. Borrowed. */
void snapshots_use(Snapshots *snapshots, int64_t policy_version, int64_t reference_version, const float **policy,
                   const float **reference);
void snapshots_release(Snapshots *snapshots);

/* For LinkOptions.sink. Borrows. */
LinkSink snapshots_sink(Snapshots *snapshots);

#endif
