/* Snapshots: the weights an actor rolls out with. A few slots, each one block, in memory that the actors of a machine share:
 * the learner sends a block to one of them, which fills a slot while all go on decoding with others; it counts only when all
 * its pieces and its CRC32C are right. The learner knows what is in which slot (proto/courier.h) and names slots in what it
 * assigns. Knows no MPI: proto/link.h feeds it. */
#ifndef TROUPE_ACTOR_SNAPSHOT_H
#define TROUPE_ACTOR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "proto/link.h"
#include "proto/messages.h"
#include "proto/segment.h"

typedef struct Snapshots {
  size_t floats, stride; /* of a block; bytes from slot to slot */
  bool alone;            /* its memory is not to be shared */
  Segment segment;
  int slots;
  float *weights[SLOTS_MAX];    /* [floats], mapped here when first used; NULL before */
  uint32_t reserved[SLOTS_MAX]; /* pieces whose memory is known to be there */
  int filling;                  /* the slot whose pieces come, -1 = none */
  uint32_t pieces, received;    /* of it */
  uint32_t crc;                 /* of those received */
  int used[2];                  /* slots in use by the chunk in hand, -1 = none */
} Snapshots;

void snapshots_init(Snapshots *snapshots, size_t floats);
void snapshots_free(Snapshots *snapshots); /* idempotent */

/* Forgets all blocks and takes new memory of its own, told by *name. No slot is in use (CHECKed). */
void snapshots_renew(Snapshots *snapshots, SegmentName *name);
/* The memory of that name, with so many slots. False: another process' that cannot be had: from the next snapshots_renew on this
 * actor shares none. */
bool snapshots_share(Snapshots *snapshots, const SegmentName *name, int slots);

/* Errors: BAD_INPUT (the learner broke the protocol) a slot that is out of range or in use, another number of floats, the end
 * of another slot, too early or with a CRC that does not fit; FAILED no memory. */
Status snapshots_begin(Snapshots *snapshots, const SnapshotBegin *begin);
Status snapshots_end(Snapshots *snapshots, const SnapshotEnd *end);

/* Where the next piece is received; NULL when none of `size` bytes is due. Then: it is there. Errors: FAILED no memory. */
unsigned char *snapshots_place(Snapshots *snapshots, size_t size);
Status snapshots_placed(Snapshots *snapshots);

/* Makes the slots of an assignment (-1 = none) ready to use. Errors: BAD_INPUT out of range, or being filled by this actor;
 * FAILED no memory. */
Status snapshots_ready(Snapshots *snapshots, int policy_slot, int reference_slot);
/* Takes the blocks of a chunk into use until snapshots_release; the slots are ready (CHECKed). *reference is NULL for -1.
 * Borrowed. */
void snapshots_use(Snapshots *snapshots, int policy_slot, int reference_slot, const float **policy,
                   const float **reference);
void snapshots_release(Snapshots *snapshots);

/* For LinkOptions.sink. Borrows. */
LinkSink snapshots_sink(Snapshots *snapshots);

#endif
