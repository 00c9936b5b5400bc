/* A picture's references as n-grams, counted once for every metric that counts n-grams. Reused from picture to picture. */
#ifndef TROUPE_SCORE_NGRAM_REFERENCES_H
#define TROUPE_SCORE_NGRAM_REFERENCES_H

#include "common/score/ngram.h"

/* An n-gram's count in one reference. */
typedef struct NgramPosting {
  int32_t reference, count;
} NgramPosting;

/* The same while counting: in the order of the references. */
typedef struct NgramSeen {
  int32_t ngram, reference, count;
} NgramSeen;

typedef struct NgramReferences {
  NgramCounts ngrams; /* of all references, in the order of their first appearance; count: references that have it */
  int32_t *first;     /* owned: [ngrams.used + 1]: postings of each n-gram */
  NgramPosting *postings; /* owned: by n-gram, then reference */
  NgramSeen *seen;        /* owned: [seen_used] the same by reference */
  int32_t *words;         /* owned: [count] of each reference */
  int32_t *last;          /* owned: [ngrams.room] scratch: where in `seen` each n-gram was last */
  int count, seen_used, first_room, postings_room, words_room, last_room;
} NgramReferences;

void ngram_references_init(NgramReferences *references);
void ngram_references_free(NgramReferences *references); /* idempotent */

/* captions [count], count > 0. */
void ngram_references_count(NgramReferences *references, const WordSpan *captions, int count);

#endif
