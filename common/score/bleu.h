/* BLEU-1..4 (Papineni et al., ACL 2002) as the COCO caption evaluation computes it: clipped n-gram precisions, brevity
 * penalty against the reference length closest to the candidate's, of a corpus or of one caption. */
#ifndef TROUPE_SCORE_BLEU_H
#define TROUPE_SCORE_BLEU_H

#include "common/score/ngram.h"

/* Sufficient statistics: those of a corpus are the sums over its captions. */
typedef struct BleuStats {
  int64_t length, reference_length;
  int64_t guess[NGRAM_MAX], correct[NGRAM_MAX];
} BleuStats;

/* One picture's references, cooked once; reused from picture to picture. */
typedef struct BleuReferences {
  NgramCounts maxima; /* of each n-gram, its largest count in one reference */
  NgramCounts scratch;
  int32_t *lengths; /* owned: [count] */
  int count, room;
} BleuReferences;

void bleu_references_init(BleuReferences *references);
void bleu_references_free(BleuReferences *references); /* idempotent */
/* captions [count], count > 0. */
void bleu_cook(BleuReferences *references, const WordSpan *captions, int count);

BleuStats bleu_stats(BleuReferences *references, WordSpan candidate);
void bleu_stats_add(BleuStats *sum, const BleuStats *one);
/* bleu[n - 1] = BLEU-n. */
void bleu_scores(const BleuStats *stats, double bleu[NGRAM_MAX]);

#endif
