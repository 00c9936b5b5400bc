/* ROUGE-L (Lin, 2004): F measure, beta 1.2, of the longest common subsequence; precision and recall are each the best
 * over the references, as the COCO caption evaluation takes them. */
#ifndef TROUPE_SCORE_ROUGE_H
#define TROUPE_SCORE_ROUGE_H

#include "common/score/ngram.h"

#define ROUGE_BETA 1.2

typedef struct RougeScratch {
  int32_t *row; /* owned */
  int room;
} RougeScratch;

void rouge_scratch_free(RougeScratch *scratch); /* idempotent; initialise with {0} */

/* references [count], count > 0. An empty caption counts as one empty word. */
double rouge_l(RougeScratch *scratch, WordSpan candidate, const WordSpan *references, int count);

#endif
