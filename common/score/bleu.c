/* BLEU statistics and scores. */
#include "common/score/bleu.h"

#include <math.h>
#include <stdlib.h>

void bleu_references_init(BleuReferences *references) {
  *references = (BleuReferences){0};
  ngram_counts_init(&references->maxima);
  ngram_counts_init(&references->scratch);
}

void bleu_references_free(BleuReferences *references) {
  ngram_counts_free(&references->maxima);
  ngram_counts_free(&references->scratch);
  free(references->lengths);
  *references = (BleuReferences){0};
}

void bleu_cook(BleuReferences *references, const WordSpan *captions, int count) {
  CHECK(count > 0);
  if (count > references->room) {
    references->room = count;
    references->lengths = xrealloc(references->lengths, sizeof *references->lengths * (size_t)count);
  }
  references->count = count;
  ngram_counts_clear(&references->maxima);
  for (int r = 0; r < count; r++) {
    references->lengths[r] = captions[r].count;
    ngram_counts_clear(&references->scratch);
    ngram_counts_add(&references->scratch, captions[r]);
    for (int i = 0; i < references->scratch.used; i++) {
      const NgramCount *seen = &references->scratch.entries[i];
      NgramCount *most = ngram_counts_entry(&references->maxima, seen->key, seen->order);
      if (seen->count > most->count) most->count = seen->count;
    }
  }
}

/* The shorter of two equally close lengths. */
static int closest_length(const BleuReferences *references, int length) {
  int best = references->lengths[0];
  for (int r = 1; r < references->count; r++) {
    int other = references->lengths[r], gain = abs(best - length) - abs(other - length);
    if (gain > 0 || (gain == 0 && other < best)) best = other;
  }
  return best;
}

BleuStats bleu_stats(BleuReferences *references, WordSpan candidate) {
  BleuStats stats = {.length = candidate.count, .reference_length = closest_length(references, candidate.count)};
  for (int n = 1; n <= NGRAM_MAX; n++) stats.guess[n - 1] = candidate.count >= n ? candidate.count - n + 1 : 0;
  NgramCounts *counts = &references->scratch;
  ngram_counts_clear(counts);
  ngram_counts_add(counts, candidate);
  for (int i = 0; i < counts->used; i++) {
    const NgramCount *seen = &counts->entries[i];
    int found = ngram_counts_find(&references->maxima, seen->key);
    if (found < 0) continue;
    int32_t most = references->maxima.entries[found].count;
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
