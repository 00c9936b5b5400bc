/* BLEU statistics and scores. */
#include "common/score/bleu.h"

#include <math.h>
#include <stdlib.h>

/* The shorter of two equally close lengths. */
static int closest_length(const NgramReferences *references, int length) {
  int best = references->words[0];
  for (int r = 1; r < references->count; r++) {
    int other = references->words[r], gain = abs(best - length) - abs(other - length);
    if (gain > 0 || (gain == 0 && other < best)) best = other;
  }
  return best;
}

/* The most often that one reference has the n-gram. */
static int32_t most_of(const NgramReferences *references, int ngram) {
  int32_t most = 0;
  for (int p = references->first[ngram]; p < references->first[ngram + 1]; p++)
    if (references->postings[p].count > most) most = references->postings[p].count;
  return most;
}

BleuStats bleu_stats(const NgramReferences *references, WordSpan candidate, NgramCounts *scratch) {
  BleuStats stats = {.length = candidate.count, .reference_length = closest_length(references, candidate.count)};
  for (int n = 1; n <= NGRAM_MAX; n++) stats.guess[n - 1] = candidate.count >= n ? candidate.count - n + 1 : 0;
  ngram_counts_clear(scratch);
  ngram_counts_add(scratch, candidate);
  for (int i = 0; i < scratch->used; i++) {
    const NgramCount *seen = &scratch->entries[i];
    int found = ngram_counts_find(&references->ngrams, seen->key);
    if (found < 0) continue;
    int32_t most = most_of(references, found);
    stats.correct[seen->order - 1] += seen->count < most ? seen->count : most;
  }
  return stats;
}

void bleu_stats_add(BleuStats *sum, const BleuStats *one) {
  sum->length += one->length;
  sum->reference_length += one->reference_length;
  for (int n = 0; n < NGRAM_MAX; n++) {
    sum->guess[n] += one->guess[n];
    sum->correct[n] += one->correct[n];
  }
}

void bleu_scores(const BleuStats *stats, double bleu[NGRAM_MAX]) {
  /* the evaluation code's guards against division by zero, kept because they show in scores of short captions */
  const double small = 1e-9, tiny = 1e-15;
  double ratio = ((double)stats->length + tiny) / ((double)stats->reference_length + small);
  double brevity = ratio < 1 ? exp(1 - 1 / ratio) : 1, product = 1;
  for (int n = 0; n < NGRAM_MAX; n++) {
    product *= ((double)stats->correct[n] + tiny) / ((double)stats->guess[n] + small);
    bleu[n] = pow(product, 1.0 / (n + 1)) * brevity;
  }
}
