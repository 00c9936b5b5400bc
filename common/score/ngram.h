/* N-grams: what BLEU and CIDEr count. A word is the 64-bit XXH3 of its bytes; an n-gram (n = 1..4) is one 64-bit key
 * made from its words' hashes; the document frequencies of a split map key -> number of pictures whose references have
 * it.
 *
 * * Key of the words w_1 .. w_n:  s_0 = 0x9E3779B97F4A7C15,  s_j = m ^ (m >> 32) with m = (s_{j-1} ^ w_j) *
 * 0xD6E8FEB86659FD93 modulo 2^64, key = s_n (1 if that is 0), so n-grams that begin at one word share their prefix's
 * work, and the file's ngram/key can be made again by anyone. The chance of any collision among a million n-grams is
 * below 3e-8. */
#ifndef TROUPE_SCORE_NGRAM_H
#define TROUPE_SCORE_NGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

enum { NGRAM_MAX = 4 };

/* A caption as word hashes; borrowed. The end token, where it counts, is simply its last word. */
typedef struct WordSpan {
  const uint64_t *words; /* [count] */
  int count;
} WordSpan;

/* The same by its place in an array that may still move. */
typedef struct WordRange {
  size_t first;
  int count;
} WordRange;

uint64_t ngram_word(const char *bytes, size_t size);
uint64_t ngram_end_word(void); /* the end token: the hash of "<eos>" */

/* Words of a tokenised caption appended to `*words` (owned by the caller, grown by realloc; *used and *room in words), with
 * the end token behind them if `end`. White space of any kind separates words, so "1 1/2" with a no-break space, which is one
 * token, is two words: so do BLEU and CIDEr of the evaluation code. Returns how many were appended. */
int ngram_words_append(const char *caption, bool end, uint64_t **words, size_t *used, size_t *room);
/* The same with blanks alone as separators: ROUGE-L's words. */
int ngram_tokens_append(const char *caption, uint64_t **words, size_t *used, size_t *room);
/* Would the two differ? */
bool ngram_tokens_differ(const char *caption);

static inline uint64_t ngram_extend(uint64_t prefix, uint64_t word) {
  uint64_t m = (prefix ^ word) * 0xD6E8FEB86659FD93u;
  return m ^ (m >> 32);
}
#define NGRAM_PREFIX 0x9E3779B97F4A7C15u
static inline uint64_t ngram_key_of_state(uint64_t state) { return state ? state : 1; } /* 0 marks free slots */
uint64_t ngram_key(const uint64_t *words, int n);

/* --- counts of a caption: distinct n-grams in order of first appearance ------------------------------------------- */

typedef struct NgramCount {
  uint64_t key;
  int32_t count, order; /* order: n = 1..4 */
} NgramCount;

typedef struct NgramCounts {
  NgramCount *entries; /* owned: [used] */
  int32_t *slots;      /* owned: open addressing, entry index + 1, 0 = free */
  int used, room;
  uint32_t mask; /* slots - 1 */
} NgramCounts;

void ngram_counts_init(NgramCounts *counts);
void ngram_counts_free(NgramCounts *counts); /* idempotent */
void ngram_counts_clear(NgramCounts *counts);
/* The entry of `key`, made with count 0 if there was none. Borrowed until the next call. */
NgramCount *ngram_counts_entry(NgramCounts *counts, uint64_t key, int order);
/* Index of the entry of `key`, or -1. */
int ngram_counts_find(const NgramCounts *counts, uint64_t key);
/* Counts every n-gram of `caption` on top of what is there. */
void ngram_counts_add(NgramCounts *counts, WordSpan caption);

/* --- document frequencies ---------------------------------------------------------------------------------------- */

typedef struct NgramDfSlot {
  uint64_t key;        /* 0 = free */
  uint32_t df, number; /* number: 0, 1, ... in the order the n-grams were met */
} NgramDfSlot;

/* A document is one picture: all its references. References are added with the end token as their last word; tables
 * with and without it agree on every n-gram that lacks it, so one table serves include_eos true and false. */
typedef struct NgramDf {
  NgramDfSlot *slots; /* owned: open addressing */
  size_t mask, used;
  int64_t documents;
  /* instead, where a finished table was imported */
  const uint64_t *keys; /* borrowed: [used] rising */
  const float *counts;  /* borrowed */
  uint32_t *first;      /* owned: the first of the keys with each value of the upper bits, and `used` */
  int shift;            /* of a key to its upper bits */
} NgramDf;

void ngram_df_init(NgramDf *df);
void ngram_df_free(NgramDf *df);  /* idempotent */
void ngram_df_clear(NgramDf *df); /* keeps its memory */

/* Adds one document. `scratch` then holds its n-grams in the order of their first appearance, and their numbers in the table in
 * place of counts. */
void ngram_df_add(NgramDf *df, const WordSpan *references, int count, NgramCounts *scratch);

/* Asks for the memory that ngram_df_find reads: the table is larger than the caches. */
static inline void ngram_df_prefetch(const NgramDf *df, uint64_t key) {
  if (df->keys) __builtin_prefetch(&df->first[key >> df->shift]);
  else __builtin_prefetch(&df->slots[key & df->mask]);
}

/* 0 for a key that no document has. */
static inline uint64_t ngram_df_find(const NgramDf *df, uint64_t key) {
  if (df->keys) {
    for (size_t i = df->first[key >> df->shift]; i < df->first[(key >> df->shift) + 1]; i++)
      if (df->keys[i] == key) return (uint64_t)df->counts[i];
    return 0;
  }
  for (size_t i = key & df->mask;; i = (i + 1) & df->mask) {
    if (df->slots[i].key == key) return df->slots[i].df;
    if (!df->slots[i].key) return 0;
  }
}

/* Document frequencies [used] by number: a small table beside the large one. */
void ngram_df_by_number(const NgramDf *df, uint32_t *frequencies);
/* Writes keys[used] rising and df[used], as the dataset file stores them (ngram/{key,df}; float32 holds counts up to
 * 2^24 exactly). */
void ngram_df_export(const NgramDf *df, uint64_t *keys, float *counts);
/* Uses a finished table as it lies, for example in a mapped file that many processes share: keys and counts are borrowed for
 * the table's life, nothing can be added. Errors: keys not rising, a df that is not a whole number in 1..documents. */
Status ngram_df_import(NgramDf *df, const uint64_t *keys, const float *counts, size_t count, int64_t documents);

#endif
