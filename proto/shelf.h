/* Shelf: the published blocks of weights that are still in use. Pure logic, no MPI. */
#ifndef TROUPE_PROTO_SHELF_H
#define TROUPE_PROTO_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"
#include "proto/shared.h"

typedef enum SnapshotKind { SNAPSHOT_POLICY, SNAPSHOT_REFERENCE, SNAPSHOT_KINDS } SnapshotKind;

/* A published block of weights. */
typedef struct Block {
  uint64_t id;                     /* never used again */
  int64_t version[SNAPSHOT_KINDS]; /* VERSION_NONE where it is not of that kind */
  Shared *memory;                  /* held */
  size_t ready;                    /* floats that are in `crc` */
  uint32_t crc;
} Block;

enum { BLOCKS_MAX = 2 * (LAG_MAX + 1) + 1 };

typedef struct Shelf {
  size_t floats;
  int keep; /* newest versions kept of each kind, at most LAG_MAX + 1 */
  int count;
  Block block[BLOCKS_MAX];
  int64_t newest[SNAPSHOT_KINDS];
  uint64_t next_id;
  uint32_t adoptions; /* shelf_adopt's calls */
} Shelf;

void shelf_init(Shelf *shelf, size_t floats, int keep);
void shelf_free(Shelf *shelf); /* idempotent */
/* Holds `memory` [floats], which must not change any more. Versions rise by kind (CHECKed). Older blocks than the `keep` newest of
 * their kinds are dropped. */
void shelf_publish(Shelf *shelf, SnapshotKind kind, int64_t version, Shared *memory);
/* Takes the next piece of a block into its checksum. */
void shelf_sum(Shelf *shelf, uint64_t id);
/* The kept policy of that version (CHECKed), not yet a reference (CHECKed), becomes one too. */
void shelf_adopt(Shelf *shelf, int64_t policy_version, int64_t reference_version);
/* NULL: not kept. */
const Block *shelf_find(const Shelf *shelf, SnapshotKind kind, int64_t version);
const Block *shelf_by_id(const Shelf *shelf, uint64_t id);

#endif
