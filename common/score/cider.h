/* CIDEr: consensus of a caption with its picture's references as the cosine of tf-idf vectors of n-grams, n = 1..4
 * (Vedantam, Zitnick, Parikh: arXiv 1411.5726). CIDEr-D, which the field's tables print as "CIDEr", clips term weights
 * to the reference's and multiplies by a Gaussian of the length difference (sigma 6); both are scaled by 10. Constants
 * and quirks are those of the COCO caption evaluation code: df floor 1, log of the number of documents, length counted
 * in bigrams, mean over references and orders. */
#ifndef TROUPE_SCORE_CIDER_H
#define TROUPE_SCORE_CIDER_H

#include "common/score/ngram_references.h"

#define CIDER_SIGMA 6.0
enum { CIDER_DELTAS = 64, CIDER_LOGS = 512 };

typedef struct CiderScores {
  double d, original; /* CIDEr-D, CIDEr; 0..10 */
} CiderScores;

/* One picture's references, cooked once: the weights of their n-grams. Reused from picture to picture. */
typedef struct CiderReferences {
  const NgramReferences *counted; /* borrowed */
  double *idf;                    /* owned: [ngrams] */
  double *inverse_norm;           /* owned: [references, NGRAM_MAX]; 0 where the norm is 0 */
  double *dot;                    /* owned: [references, NGRAM_MAX, 2]: scratch of cider_score */
  int ngrams_room, references_room;
} CiderReferences;

/* What scoring needs besides the references: the document frequencies and scratch. */
typedef struct Cider {
  const NgramDf *df; /* borrowed: of the evaluated set, or of the training split (the RL reward) */
  double log_documents;
  NgramCounts candidate;
  double gaussian[CIDER_DELTAS]; /* penalty by length difference */
  double logs[CIDER_LOGS];       /* of document frequencies; that of 0 is 0 */
} Cider;

void cider_init(Cider *cider);
void cider_free(Cider *cider); /* idempotent */
/* References must be cooked again after the table changed. */
void cider_df_set(Cider *cider, const NgramDf *df);

void cider_references_free(CiderReferences *references); /* idempotent; initialise with {0} */

/* Borrows `counted` until the next call. df: [counted's n-grams] their document frequencies where the caller knows them, or
 * NULL: then they are looked up. */
void cider_cook(Cider *cider, CiderReferences *references, const NgramReferences *counted, const uint32_t *df);

CiderScores cider_score(Cider *cider, CiderReferences *references, WordSpan candidate);

#endif
