/* CIDEr and CIDEr-D against cooked references. */
#include "common/score/cider.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void cider_init(Cider *cider) {
  *cider = (Cider){0};
  ngram_counts_init(&cider->candidate);
  for (int df = 1; df < CIDER_LOGS; df++) cider->logs[df] = log(df);
  for (int delta = 0; delta < CIDER_DELTAS; delta++)
    cider->gaussian[delta] = exp(-(double)delta * delta / (2 * CIDER_SIGMA * CIDER_SIGMA));
}

void cider_free(Cider *cider) {
  ngram_counts_free(&cider->candidate);
  *cider = (Cider){0};
}

void cider_df_set(Cider *cider, const NgramDf *df) {
  cider->df = df;
  cider->log_documents = log((double)df->documents);
}

void cider_references_init(CiderReferences *references) {
  *references = (CiderReferences){0};
  ngram_counts_init(&references->ngrams);
}

void cider_references_free(CiderReferences *references) {
  ngram_counts_free(&references->ngrams);
  free(references->idf);
  free(references->first);
  free(references->postings);
  free(references->seen);
  free(references->inverse_norm);
  free(references->dot);
  free(references->length);
  *references = (CiderReferences){0};
}

static double idf_of(const Cider *cider, uint64_t key) {
  uint64_t df = ngram_df_find(cider->df, key);
  return cider->log_documents - (df < CIDER_LOGS ? cider->logs[df] : log((double)df));
}

/* The evaluation code's length of a caption: its number of bigrams. */
static int length_of(WordSpan caption) { return caption.count > 1 ? caption.count - 1 : 0; }

static double inverse(double norm) { return norm > 0 ? 1 / norm : 0; }

static void references_reserve(CiderReferences *references, int count, int ngrams, int postings) {
  if (count > references->references_room) {
    references->references_room = count;
    size_t cells = (size_t)count * NGRAM_MAX;
    references->inverse_norm = xrealloc(references->inverse_norm, sizeof(double) * cells);
    references->dot = xrealloc(references->dot, sizeof(double) * cells * 2);
    references->length = xrealloc(references->length, sizeof(int32_t) * (size_t)count);
  }
  if (ngrams + 1 > references->ngrams_room) {
    references->ngrams_room = ngrams * 2 + 1;
    references->idf = xrealloc(references->idf, sizeof(double) * (size_t)references->ngrams_room);
    references->first = xrealloc(references->first, sizeof(int32_t) * (size_t)references->ngrams_room);
  }
  if (postings > references->postings_room) {
    references->postings_room = postings * 2;
    references->postings = xrealloc(references->postings, sizeof(CiderPosting) * (size_t)postings * 2);
  }
}

/* Adds a reference's n-grams to the union and to references->seen; returns how many are there now. */
static int reference_see(CiderReferences *references, const NgramCounts *one, int reference, int seen) {
  if (seen + one->used > references->seen_room) {
    references->seen_room = (seen + one->used) * 2;
    references->seen = xrealloc(references->seen, sizeof *references->seen * (size_t)references->seen_room);
  }
  for (int i = 0; i < one->used; i++) {
    NgramCount *ngram = ngram_counts_entry(&references->ngrams, one->entries[i].key, one->entries[i].order);
    ngram->count++;
    references->seen[seen++] =
        (CiderSeen){(int32_t)(ngram - references->ngrams.entries), reference, one->entries[i].count};
  }
  return seen;
}

/* First the union of the references' n-grams and how many references have each, then the postings. */
void cider_cook(Cider *cider, CiderReferences *references, const WordSpan *captions, int count) {
  CHECK(count > 0 && cider->df);
  NgramCounts *all = &references->ngrams, *one = &cider->candidate;
  ngram_counts_clear(all);
  int seen = 0;
  for (int r = 0; r < count; r++) {
    ngram_counts_clear(one);
    ngram_counts_add(one, captions[r]);
    seen = reference_see(references, one, r, seen);
  }
  references_reserve(references, count, all->used, seen);
  references->count = count;
  int32_t *first = references->first;
  first[0] = 0;
  for (int i = 0; i < all->used; i++) ngram_df_prefetch(cider->df, all->entries[i].key);
  for (int i = 0; i < all->used; i++) {
    references->idf[i] = idf_of(cider, all->entries[i].key);
    first[i + 1] = first[i] + all->entries[i].count;
    all->entries[i].count = 0;
  }
  memset(references->inverse_norm, 0, sizeof *references->inverse_norm * (size_t)count * NGRAM_MAX);
  for (int s = 0; s < seen; s++) {
    const CiderSeen *ngram = &references->seen[s];
    NgramCount *entry = &all->entries[ngram->ngram];
    double weight = ngram->count * references->idf[ngram->ngram];
    references->inverse_norm[ngram->reference * NGRAM_MAX + entry->order - 1] += weight * weight;
    references->postings[first[ngram->ngram] + entry->count++] =
        (CiderPosting){.reference = ngram->reference, .count = (float)ngram->count};
  }
  for (int i = 0; i < count * NGRAM_MAX; i++) references->inverse_norm[i] = inverse(sqrt(references->inverse_norm[i]));
  for (int r = 0; r < count; r++) references->length[r] = length_of(captions[r]);
}

static double length_penalty(const Cider *cider, int delta) {
  if (delta < 0) delta = -delta;
  return delta < CIDER_DELTAS ? cider->gaussian[delta] : exp(-(double)delta * delta / (2 * CIDER_SIGMA * CIDER_SIGMA));
}

/* dot[r][n] = {clipped, plain} products of the candidate's weights with reference r's; norm2[n] of the candidate. */
static void dot_products(const Cider *cider, const CiderReferences *references, double norm2[NGRAM_MAX]) {
  const NgramCounts *candidate = &cider->candidate;
  memset(references->dot, 0, sizeof(double) * 2 * NGRAM_MAX * (size_t)references->count);
  for (int i = 0; i < candidate->used; i++) {
    const NgramCount *ngram = &candidate->entries[i];
    int at = ngram_counts_find(&references->ngrams, ngram->key), order = ngram->order - 1;
    double idf = at >= 0 ? references->idf[at] : idf_of(cider, ngram->key), weight = ngram->count * idf;
    norm2[order] += weight * weight;
    if (at < 0) continue;
    for (int p = references->first[at]; p < references->first[at + 1]; p++) {
      double theirs = references->postings[p].count * idf;
      double *dot = references->dot + (references->postings[p].reference * NGRAM_MAX + order) * 2;
      dot[0] += (weight < theirs ? weight : theirs) * theirs;
      dot[1] += weight * theirs;
    }
  }
}

CiderScores cider_score(Cider *cider, CiderReferences *references, WordSpan candidate) {
  ngram_counts_clear(&cider->candidate);
  ngram_counts_add(&cider->candidate, candidate);
  for (int i = 0; i < cider->candidate.used; i++) ngram_df_prefetch(cider->df, cider->candidate.entries[i].key);
  double norm[NGRAM_MAX] = {0};
  dot_products(cider, references, norm);
  for (int n = 0; n < NGRAM_MAX; n++) norm[n] = inverse(sqrt(norm[n]));
  CiderScores sum = {0, 0};
  for (int r = 0; r < references->count; r++) {
    double clipped = 0, plain = 0;
    for (int n = 0; n < NGRAM_MAX; n++) {
      const double *dot = references->dot + (r * NGRAM_MAX + n) * 2;
      double scale = norm[n] * references->inverse_norm[r * NGRAM_MAX + n];
      clipped += dot[0] * scale;
      plain += dot[1] * scale;
    }
    sum.d += clipped * length_penalty(cider, length_of(candidate) - references->length[r]);
    sum.original += plain;
  }
  double mean = 10.0 / (NGRAM_MAX * references->count);
  return (CiderScores){.d = sum.d * mean, .original = sum.original * mean};
}
