/* Blocks that are kept, and their checksums. */
#include "proto/shelf.h"

#include "common/base/crc32c.h"

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

const Block *shelf_by_id(const Shelf *shelf, uint64_t id) {
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

void shelf_sum(Shelf *shelf, uint64_t id) {
  for (int b = 0; b < shelf->count; b++) {
    Block *block = &shelf->block[b];
    if (block->id != id) continue;
    size_t bytes = piece_bytes(shelf->floats, block->ready / PIECE_FLOATS);
    block->crc = crc32c(block->crc, block->memory->bytes + sizeof(float) * block->ready, bytes);
    block->ready += bytes / sizeof(float);
  }
}

void shelf_adopt(Shelf *shelf, int64_t policy_version, int64_t reference_version) {
  CHECK(reference_version > shelf->newest[SNAPSHOT_REFERENCE]);
  for (int b = 0; b < shelf->count; b++) {
    if (shelf->block[b].version[SNAPSHOT_POLICY] != policy_version) continue;
    CHECK(shelf->block[b].version[SNAPSHOT_REFERENCE] == VERSION_NONE); /* work may be out under that name */
    shelf->block[b].version[SNAPSHOT_REFERENCE] = reference_version;
    shelf->newest[SNAPSHOT_REFERENCE] = reference_version;
    shelf->adoptions++;
    shelf_drop_old(shelf);
    return;
  }
  check_failed("the policy to adopt is kept", __FILE__, __LINE__);
}
