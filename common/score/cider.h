/* CIDEr: consensus of a caption with its picture's references as the cosine of tf-idf vectors of n-grams, n = 1..4
 * (Vedantam, Zitnick, Parikh: arXiv 1411.5726). CIDEr-D, which the field's tables print as "CIDEr", clips term weights
 * to the reference's and multiplies by a Gaussian of the length difference (sigma 6); both are scaled by 10. Constants
 * and quirks are those of the COCO caption evaluation code: df floor 1, log of the number of documents, length counted
 * in bigrams, mean over references and orders. */
#ifndef TROUPE_SCORE_CIDER_H
#define TROUPE_SCORE_CIDER_H

#include "common/score/ngram.h"

#define CIDER_SIGMA 6.0
enum { CIDER_DELTAS = 64, CIDER_LOGS = 512 };

typedef struct CiderScores {
  double d, original; /* CIDEr-D, CIDEr; 0..10 */
} CiderScores;

/* An n-gram's count in one reference. */
typedef struct CiderPosting {
  int32_t reference;
  float count;
} CiderPosting;

/* The same while cooking: in the order of the references. */
typedef struct CiderSeen {
  int32_t ngram, reference, count;
} CiderSeen;

/* One picture's references, cooked once: a table of their n-grams, each with its idf and the weights it has in each
 * reference that has it, and the norms. Reused from picture to picture. */
typedef struct CiderReferences {
  NgramCounts ngrams;     /* union over the references */
  double *idf;            /* owned: [ngrams.used] */
  int32_t *first;         /* owned: [ngrams.used + 1]: postings of each n-gram */
  CiderPosting *postings; /* owned */
  CiderSeen *seen;        /* owned: [postings] scratch of cider_cook */
  double *inverse_norm;   /* owned: [count, NGRAM_MAX]; 0 where the norm is 0 */
  double *dot;            /* owned: [count, NGRAM_MAX, 2]: scratch of cider_score */
  int32_t *length;        /* owned: [count], in bigrams */
  int count, ngrams_room, postings_room, references_room, seen_room;
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

void cider_references_init(CiderReferences *references);
void cider_references_free(CiderReferences *references); /* idempotent */

/* captions [count], count > 0. */
void cider_cook(Cider *cider, CiderReferences *references, const WordSpan *captions, int count);

CiderScores cider_score(Cider *cider, CiderReferences *references, WordSpan candidate);

#endif
