/* Courier: decides what an actor is sent next, and remembers what it holds. The shelf has the published snapshots;
 * each actor has a courier. Rules: PROTOCOL.md, "Snapshots". Pure logic, no MPI: courier_next is called whenever
 * nothing is on its way to the actor. */
#ifndef TROUPE_PROTO_COURIER_H
#define TROUPE_PROTO_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"

typedef enum SnapshotKind { SNAPSHOT_POLICY, SNAPSHOT_REFERENCE, SNAPSHOT_KINDS } SnapshotKind;

/* A published block of weights. */
typedef struct Block {
  uint64_t id;                     /* never used again */
  int64_t version[SNAPSHOT_KINDS]; /* VERSION_NONE where it is not of that kind */
  Shared *memory;                  /* held */
  size_t ready;                    /* floats that are in `crc` */
  uint32_t crc;
} Block;

enum { BLOCKS_MAX = 2 * SLOTS_MAX };

typedef struct Shelf {
  size_t floats;
  int keep; /* newest versions kept of each kind */
  int count;
  Block block[BLOCKS_MAX];
  int64_t newest[SNAPSHOT_KINDS];
  uint64_t next_id;
} Shelf;

void shelf_init(Shelf *shelf, size_t floats, int keep);
void shelf_free(Shelf *shelf); /* idempotent */
/* Holds `memory` [floats], which must not change any more. Versions rise by kind (CHECKed). Older blocks than the `keep` newest of
 * their kinds are dropped. A piece of it is sent when it is in the checksum, which shelf_sum goes on with, until it says false. */
void shelf_publish(Shelf *shelf, SnapshotKind kind, int64_t version, Shared *memory);
bool shelf_sum(Shelf *shelf);
/* The kept policy of that version (CHECKed), not yet a reference (CHECKed), becomes one too. */
void shelf_adopt(Shelf *shelf, int64_t policy_version, int64_t reference_version);
const Block *shelf_find(const Shelf *shelf, SnapshotKind kind, int64_t version); /* NULL: not kept */

enum { WORKS_MAX = 8 };

typedef struct CourierSlot {
  uint64_t id; /* of the block, 0 = empty */
  int64_t version[SNAPSHOT_KINDS];
  bool complete; /* its end was handed out */
} CourierSlot;

typedef struct CourierWork {
  Assignment assignment;
  bool sent;
} CourierWork;

typedef struct Courier {
  int slots;
  CourierSlot slot[SLOTS_MAX];
  int transfer;        /* slot being filled, -1 = none */
  uint32_t next_piece; /* of it */
  int works;
  CourierWork work[WORKS_MAX]; /* in the order given; unreturned */
} Courier;

void courier_reset(Courier *courier, int slots);                     /* an actor with empty slots and no work */
void courier_assign(Courier *courier, const Assignment *assignment); /* CHECKs works < WORKS_MAX */

/* The sent work that a result answers, or NULL. */
const Assignment *courier_find(const Courier *courier, Work work, int64_t iteration, int32_t chunk);
void courier_returned(Courier *courier, const Assignment *assignment); /* one that courier_find gave */

/* The next message, with `type` and body filled (a piece borrows from the shelf). False: nothing to send now. What it
 * gives counts as sent, and must arrive in order. */
bool courier_next(Courier *courier, const Shelf *shelf, Message *message);

#endif
