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

void cider_references_free(CiderReferences *references) {
  free(references->idf);
  free(references->inverse_norm);
  free(references->dot);
  *references = (CiderReferences){0};
}

static double idf_of(const Cider *cider, uint64_t df) {
  return cider->log_documents - (df < CIDER_LOGS ? cider->logs[df] : log((double)df));
}

/* The evaluation code's length of a caption: its number of bigrams. */
static int length_of(int words) { return words > 1 ? words - 1 : 0; }

static double inverse(double norm) { return norm > 0 ? 1 / norm : 0; }

static void references_reserve(CiderReferences *references, int count, int ngrams) {
  if (count > references->references_room) {
    references->references_room = count;
    size_t cells = (size_t)count * NGRAM_MAX;
    references->inverse_norm = xrealloc(references->inverse_norm, sizeof(double) * cells);
    references->dot = xrealloc(references->dot, sizeof(double) * cells * 2);
  }
  if (ngrams > references->ngrams_room) {
    references->ngrams_room = ngrams * 2;
    references->idf = xrealloc(references->idf, sizeof(double) * (size_t)references->ngrams_room);
  }
}

void cider_cook(Cider *cider, CiderReferences *references, const NgramReferences *counted, const uint32_t *df) {
  CHECK(cider->df);
  const NgramCounts *ngrams = &counted->ngrams;
  int cells = counted->count * NGRAM_MAX;
  references_reserve(references, counted->count, ngrams->used);
  references->counted = counted;
  for (int i = 0; !df && i < ngrams->used; i++) ngram_df_prefetch(cider->df, ngrams->entries[i].key);
  for (int i = 0; i < ngrams->used; i++)
    references->idf[i] = idf_of(cider, df ? df[i] : ngram_df_find(cider->df, ngrams->entries[i].key));
  double *norm = references->inverse_norm;
  memset(norm, 0, sizeof *norm * (size_t)cells);
  for (int s = 0; s < counted->seen_used; s++) {
    const NgramSeen *seen = &counted->seen[s];
    double weight = seen->count * references->idf[seen->ngram];
    norm[seen->reference * NGRAM_MAX + ngrams->entries[seen->ngram].order - 1] += weight * weight;
  }
  for (int i = 0; i < cells; i++) norm[i] = inverse(sqrt(norm[i]));
}

static double length_penalty(const Cider *cider, int delta) {
  if (delta < 0) delta = -delta;
  return delta < CIDER_DELTAS ? cider->gaussian[delta] : exp(-(double)delta * delta / (2 * CIDER_SIGMA * CIDER_SIGMA));
}

/* dot[r][n] = {clipped, plain} products of the candidate's weights with reference r's; norm2[n] of the candidate. */
static void dot_products(const Cider *cider, const CiderReferences *references, double norm2[NGRAM_MAX]) {
  const NgramCounts *candidate = &cider->candidate;
  const NgramReferences *counted = references->counted;
  memset(references->dot, 0, sizeof(double) * 2 * NGRAM_MAX * (size_t)counted->count);
  for (int i = 0; i < candidate->used; i++) {
    const NgramCount *ngram = &candidate->entries[i];
    int at = ngram_counts_find(&counted->ngrams, ngram->key), order = ngram->order - 1;
    double idf = at >= 0 ? references->idf[at] : idf_of(cider, ngram_df_find(cider->df, ngram->key));
    double weight = ngram->count * idf;
    norm2[order] += weight * weight;
    if (at < 0) continue;
    for (int p = counted->first[at]; p < counted->first[at + 1]; p++) {
      double theirs = counted->postings[p].count * idf;
      double *dot = references->dot + (counted->postings[p].reference * NGRAM_MAX + order) * 2;
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
  for (int r = 0; r < references->counted->count; r++) {
    double clipped = 0, plain = 0;
    for (int n = 0; n < NGRAM_MAX; n++) {
      const double *dot = references->dot + (r * NGRAM_MAX + n) * 2;
      double scale = norm[n] * references->inverse_norm[r * NGRAM_MAX + n];
      clipped += dot[0] * scale;
      plain += dot[1] * scale;
    }
    sum.d += clipped * length_penalty(cider, length_of(candidate.count) - length_of(references->counted->words[r]));
    sum.original += plain;
  }
  double mean = 10.0 / (NGRAM_MAX * references->counted->count);
  return (CiderScores){.d = sum.d * mean, .original = sum.original * mean};
}
