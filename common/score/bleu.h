/* BLEU-1..4 (Papineni et al., ACL 2002) as the COCO caption evaluation computes it: clipped n-gram precisions, brevity
 * penalty against the reference length closest to the candidate's, of a corpus or of one caption. */
#ifndef TROUPE_SCORE_BLEU_H
#define TROUPE_SCORE_BLEU_H

#include "common/score/ngram_references.h"

/* Sufficient statistics: those of a corpus are the sums over its captions. */
typedef struct BleuStats {
  int64_t length, reference_length;
  int64_t guess[NGRAM_MAX], correct[NGRAM_MAX];
} BleuStats;

/* `scratch` is overwritten with the candidate's n-grams. */
BleuStats bleu_stats(const NgramReferences *references, WordSpan candidate, NgramCounts *scratch);
void bleu_stats_add(BleuStats *sum, const BleuStats *one);
/* bleu[n - 1] = BLEU-n. */
void bleu_scores(const BleuStats *stats, double bleu[NGRAM_MAX]);

#endif
