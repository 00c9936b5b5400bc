/* N-grams of a picture's references. */
#include "common/score/ngram_references.h"

#include <stdlib.h>

void ngram_references_init(NgramReferences *references) {
  *references = (NgramReferences){0};
  ngram_counts_init(&references->ngrams);
}

void ngram_references_free(NgramReferences *references) {
  ngram_counts_free(&references->ngrams);
  free(references->first);
  free(references->postings);
  free(references->seen);
  free(references->words);
  free(references->last);
  *references = (NgramReferences){0};
}

/* Room for so many n-grams more. */
static void room_make(NgramReferences *references, int ngrams) {
  if (references->seen_used + ngrams > references->postings_room) {
    references->postings_room = (references->seen_used + ngrams) * 2;
    size_t room = (size_t)references->postings_room;
    references->seen = xrealloc(references->seen, sizeof *references->seen * room);
    references->postings = xrealloc(references->postings, sizeof *references->postings * room);
  }
  if (references->ngrams.used + ngrams > references->last_room) {
    references->last_room = (references->ngrams.used + ngrams) * 2;
    references->last = xrealloc(references->last, sizeof *references->last * (size_t)references->last_room);
  }
}

/* The reference has the n-gram once more. */
static void ngram_see(NgramReferences *references, int reference, uint64_t state, int order) {
  NgramCounts *all = &references->ngrams;
  NgramCount *entry = ngram_counts_entry(all, ngram_key_of_state(state), order);
  int32_t ngram = (int32_t)(entry - all->entries);
  NgramSeen *last = entry->count ? &references->seen[references->last[ngram]] : NULL;
  if (last && last->reference == reference) {
    last->count++;
    return;
  }
  entry->count++;
  references->last[ngram] = references->seen_used;
  references->seen[references->seen_used++] = (NgramSeen){ngram, reference, 1};
}

static void reference_see(NgramReferences *references, int reference, WordSpan caption) {
  room_make(references, caption.count * NGRAM_MAX);
  for (int i = 0; i < caption.count; i++) {
    uint64_t state = NGRAM_PREFIX;
    for (int n = 1; n <= NGRAM_MAX && i + n <= caption.count; n++) {
      state = ngram_extend(state, caption.words[i + n - 1]);
      ngram_see(references, reference, state, n);
    }
  }
}

/* `seen` by n-gram. */
static void postings_fill(NgramReferences *references) {
  NgramCounts *all = &references->ngrams;
  if (all->used + 1 > references->first_room) {
    references->first_room = all->used * 2 + 1;
    references->first = xrealloc(references->first, sizeof *references->first * (size_t)references->first_room);
  }
  int32_t *first = references->first;
  first[0] = 0;
  for (int i = 0; i < all->used; i++) {
    first[i + 1] = first[i] + all->entries[i].count;
    all->entries[i].count = 0;
  }
  for (int s = 0; s < references->seen_used; s++) {
    const NgramSeen *seen = &references->seen[s];
    references->postings[first[seen->ngram] + all->entries[seen->ngram].count++] =
        (NgramPosting){seen->reference, seen->count};
  }
}

void ngram_references_count(NgramReferences *references, const WordSpan *captions, int count) {
  CHECK(count > 0);
  if (count > references->words_room) {
    references->words_room = count;
    references->words = xrealloc(references->words, sizeof *references->words * (size_t)count);
  }
  ngram_counts_clear(&references->ngrams);
  references->count = count;
  references->seen_used = 0;
  for (int r = 0; r < count; r++) {
    references->words[r] = captions[r].count;
    reference_see(references, r, captions[r]);
  }
  postings_fill(references);
}
