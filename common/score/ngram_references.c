/* N-grams of a picture's references. */
#include "common/score/ngram_references.h"

#include <stdlib.h>

void ngram_references_init(NgramReferences *references) {
  *references = (NgramReferences){0};
  ngram_counts_init(&references->ngrams);
  ngram_counts_init(&references->one);
}

void ngram_references_free(NgramReferences *references) {
  ngram_counts_free(&references->ngrams);
  ngram_counts_free(&references->one);
  free(references->first);
  free(references->postings);
  free(references->seen);
  free(references->words);
  *references = (NgramReferences){0};
}

/* Adds the n-grams of `one` to those of all, and to `seen`. */
static void reference_see(NgramReferences *references, int reference) {
  const NgramCounts *one = &references->one;
  if (references->seen_used + one->used > references->postings_room) {
    references->postings_room = (references->seen_used + one->used) * 2;
    size_t room = (size_t)references->postings_room;
    references->seen = xrealloc(references->seen, sizeof *references->seen * room);
    references->postings = xrealloc(references->postings, sizeof *references->postings * room);
  }
  for (int i = 0; i < one->used; i++) {
    NgramCount *ngram = ngram_counts_entry(&references->ngrams, one->entries[i].key, one->entries[i].order);
    ngram->count++;
    references->seen[references->seen_used++] =
        (NgramSeen){(int32_t)(ngram - references->ngrams.entries), reference, one->entries[i].count};
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
    ngram_counts_clear(&references->one);
    ngram_counts_add(&references->one, captions[r]);
    reference_see(references, r);
  }
  postings_fill(references);
}
