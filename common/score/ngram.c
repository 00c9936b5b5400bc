/* N-gram keys, counts of a caption and document frequencies. */
#include "common/score/ngram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint64_t ngram_word(const char *bytes, size_t size) { return XXH3_64bits(bytes, size); }

uint64_t ngram_end_word(void) { return XXH3_64bits("<eos>", 5); }

/* Most characters. */
static inline bool is_plain(char c) { return c > ' ' && c < 0x7F; }

/* Bytes of the white space at `at`, 0 for anything else: ASCII's, and with `wide` Unicode's, too. */
static size_t space_size(const char *at, bool wide) {
  const unsigned char *b = (const unsigned char *)at;
  if (b[0] == ' ' || (b[0] >= '\t' && b[0] <= '\r')) return 1;
  if (!wide || b[0] < 0xC2) return 0;
  if (b[0] == 0xC2) return b[1] == 0xA0 ? 2 : 0;
  if (b[0] == 0xE1) return b[1] == 0x9A && b[2] == 0x80 ? 3 : 0;
  if (b[0] == 0xE3) return b[1] == 0x80 && b[2] == 0x80 ? 3 : 0;
  if (b[0] != 0xE2) return 0;
  bool general = b[1] == 0x80 && ((b[2] >= 0x80 && b[2] <= 0x8A) || b[2] == 0xAF);
  return general || (b[1] == 0x81 && b[2] == 0x9F) ? 3 : 0;
}

static int append(const char *caption, bool wide, bool end, uint64_t **words, size_t *used, size_t *room) {
  int added = 0;
  for (bool more = true; more;) {
    for (size_t space; (space = space_size(caption, wide)) > 0;) caption += space;
    const char *first = caption;
    while (is_plain(*caption) || (*caption && !space_size(caption, wide))) caption++;
    more = caption > first;
    if (!more && !end) break;
    if (*used == *room) *words = xrealloc(*words, (*room = *room ? *room * 2 : 64) * sizeof **words);
    (*words)[(*used)++] = more ? ngram_word(first, (size_t)(caption - first)) : ngram_end_word();
    added++;
  }
  return added;
}

int ngram_words_append(const char *caption, bool end, uint64_t **words, size_t *used, size_t *room) {
  return append(caption, true, end, words, used, room);
}

int ngram_tokens_append(const char *caption, uint64_t **words, size_t *used, size_t *room) {
  return append(caption, false, false, words, used, room);
}

bool ngram_tokens_differ(const char *caption) {
  for (; *caption; caption++)
    if ((unsigned char)*caption >= 0xC2 && space_size(caption, true)) return true;
  return false;
}

uint64_t ngram_key(const uint64_t *words, int n) {
  uint64_t state = NGRAM_PREFIX;
  for (int i = 0; i < n; i++) state = ngram_extend(state, words[i]);
  return ngram_key_of_state(state);
}

/* --- counts ------------------------------------------------------------------------------------------------------ */

void ngram_counts_init(NgramCounts *counts) {
  *counts = (NgramCounts){.room = 128, .mask = 255};
  counts->entries = xmalloc(sizeof *counts->entries * 128);
  counts->slots = xcalloc(256, sizeof *counts->slots);
}

void ngram_counts_free(NgramCounts *counts) {
  free(counts->entries);
  free(counts->slots);
  *counts = (NgramCounts){0};
}

void ngram_counts_clear(NgramCounts *counts) {
  memset(counts->slots, 0, sizeof *counts->slots * ((size_t)counts->mask + 1));
  counts->used = 0;
}

static uint32_t counts_slot(const NgramCounts *counts, uint64_t key) {
  uint32_t slot = (uint32_t)key & counts->mask;
  while (counts->slots[slot] && counts->entries[counts->slots[slot] - 1].key != key) slot = (slot + 1) & counts->mask;
  return slot;
}

static void counts_grow(NgramCounts *counts) {
  counts->room *= 2;
  counts->mask = counts->mask * 2 + 1;
  counts->entries = xrealloc(counts->entries, sizeof *counts->entries * (size_t)counts->room);
  free(counts->slots);
  counts->slots = xcalloc((size_t)counts->mask + 1, sizeof *counts->slots);
  for (int i = 0; i < counts->used; i++) counts->slots[counts_slot(counts, counts->entries[i].key)] = i + 1;
}

NgramCount *ngram_counts_entry(NgramCounts *counts, uint64_t key, int order) {
  uint32_t slot = counts_slot(counts, key);
  if (!counts->slots[slot]) {
    if (counts->used == counts->room) {
      counts_grow(counts);
      slot = counts_slot(counts, key);
    }
    counts->entries[counts->used++] = (NgramCount){.key = key, .order = order};
    counts->slots[slot] = counts->used;
  }
  return &counts->entries[counts->slots[slot] - 1];
}

int ngram_counts_find(const NgramCounts *counts, uint64_t key) { return counts->slots[counts_slot(counts, key)] - 1; }

void ngram_counts_add(NgramCounts *counts, WordSpan caption) {
  for (int i = 0; i < caption.count; i++) {
    uint64_t state = NGRAM_PREFIX;
    for (int n = 1; n <= NGRAM_MAX && i + n <= caption.count; n++) {
      state = ngram_extend(state, caption.words[i + n - 1]);
      ngram_counts_entry(counts, ngram_key_of_state(state), n)->count++;
    }
  }
}

/* --- document frequencies ---------------------------------------------------------------------------------------- */

static void df_allocate(NgramDf *df, size_t slots) {
  df->slots = xcalloc(slots, sizeof *df->slots);
  df->mask = slots - 1;
}

void ngram_df_init(NgramDf *df) {
  *df = (NgramDf){0};
  df_allocate(df, 1024);
}

void ngram_df_free(NgramDf *df) {
  free(df->slots);
  free(df->first);
  *df = (NgramDf){0};
}

void ngram_df_clear(NgramDf *df) {
  CHECK(!df->keys);
  memset(df->slots, 0, sizeof *df->slots * (df->mask + 1));
  df->used = 0;
  df->documents = 0;
}

static NgramDfSlot *df_slot(const NgramDf *df, uint64_t key) {
  size_t i = key & df->mask;
  while (df->slots[i].key && df->slots[i].key != key) i = (i + 1) & df->mask;
  return &df->slots[i];
}

/* Slots for `entries` at a load of at most 2/3. */
static void df_reserve(NgramDf *df, size_t entries) {
  if (entries * 3 <= (df->mask + 1) * 2) return;
  NgramDf old = *df;
  size_t slots = old.mask + 1;
  while (entries * 3 > slots * 2) slots *= 2;
  df_allocate(df, slots);
  for (size_t i = 0; i <= old.mask; i++)
    if (old.slots[i].key) *df_slot(df, old.slots[i].key) = old.slots[i];
  free(old.slots);
}

void ngram_df_add(NgramDf *df, const WordSpan *references, int count, NgramCounts *scratch) {
  CHECK(!df->keys);
  ngram_counts_clear(scratch);
  for (int i = 0; i < count; i++) ngram_counts_add(scratch, references[i]);
  df_reserve(df, df->used + (size_t)scratch->used);
  for (int i = 0; i < scratch->used; i++) ngram_df_prefetch(df, scratch->entries[i].key);
  for (int i = 0; i < scratch->used; i++) {
    NgramDfSlot *slot = df_slot(df, scratch->entries[i].key);
    if (!slot->key) *slot = (NgramDfSlot){.key = scratch->entries[i].key, .number = (uint32_t)df->used++};
    slot->df++;
    scratch->entries[i].count = (int32_t)slot->number;
  }
  df->documents++;
}

void ngram_df_by_number(const NgramDf *df, uint32_t *frequencies) {
  CHECK(!df->keys);
  for (size_t i = 0; i <= df->mask; i++)
    if (df->slots[i].key) frequencies[df->slots[i].number] = df->slots[i].df;
}

static int slot_compare(const void *a, const void *b) {
  uint64_t x = ((const NgramDfSlot *)a)->key, y = ((const NgramDfSlot *)b)->key;
  return (x > y) - (x < y);
}

void ngram_df_export(const NgramDf *df, uint64_t *keys, float *counts) {
  CHECK(!df->keys);
  NgramDfSlot *sorted = xmalloc(sizeof *sorted * (df->used + 1));
  size_t used = 0;
  for (size_t i = 0; i <= df->mask; i++)
    if (df->slots[i].key) sorted[used++] = df->slots[i];
  CHECK(used == df->used);
  qsort(sorted, used, sizeof *sorted, slot_compare);
  for (size_t i = 0; i < used; i++) {
    keys[i] = sorted[i].key;
    counts[i] = (float)sorted[i].df;
  }
  free(sorted);
}

/* About four keys for each value of the upper bits; keys are hashes, so they are spread evenly. */
static void first_fill(NgramDf *df) {
  int bits = 1;
  while (df->used >> (bits + 3)) bits++;
  df->shift = 64 - bits;
  df->first = xcalloc(((size_t)1 << bits) + 2, sizeof *df->first);
  for (size_t i = 0; i < df->used; i++) df->first[(df->keys[i] >> df->shift) + 1]++;
  for (size_t b = 1; b <= (size_t)1 << bits; b++) df->first[b] += df->first[b - 1];
}

Status ngram_df_import(NgramDf *df, const uint64_t *keys, const float *counts, size_t count, int64_t documents) {
  CHECK(keys && counts);
  if (count > UINT32_MAX) return status_set(BAD_INPUT, "ngram/key: %zu n-grams; below 2^32 were expected", count);
  for (size_t i = 0; i < count; i++) {
    if (!keys[i] || (i && keys[i] <= keys[i - 1]))
      return status_set(BAD_INPUT, "ngram/key[%zu]: is not above the one before; rising keys were expected", i);
    if (!(counts[i] >= 1 && counts[i] <= (float)documents && floorf(counts[i]) == counts[i]))
      return status_set(BAD_INPUT, "ngram/df[%zu]: %g; a whole number from 1 to %lld (documents) was expected", i,
                        (double)counts[i], (long long)documents);
  }
  ngram_df_free(df);
  *df = (NgramDf){.keys = keys, .counts = counts, .used = count, .documents = documents};
  first_fill(df);
  return OK;
}
