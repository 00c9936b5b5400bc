/* Shard: which of `count` things in a row are a learner rank's: contiguous equal parts, the remainder one each to the first
 * ranks. */
#ifndef TROUPE_LEARNER_SHARD_H
#define TROUPE_LEARNER_SHARD_H

/* The first one of `rank`; that of rank + 1 is the end. */
static inline int shard_first(int count, int rank, int ranks) {
  int each = count / ranks, more = count % ranks;
  return rank * each + (rank < more ? rank : more);
}

#endif
