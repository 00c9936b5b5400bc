/* Diversity of a group of captions of one picture, and the best and the mean of their CIDEr-D.
 *   distinct-n   distinct n-grams of the group / its words (Li et al., arXiv 1510.03055), n = 1, 2
 *   mBLEU-4      mean BLEU-4 of each caption against the others as references (Shetty et al., arXiv 1703.10476): of a set,
 *                the corpus BLEU-4 of the g-th captions against the others, mean over g
 *   self-CIDEr   -log_G(sqrt(l_1) / sum_i sqrt(l_i)) with l the eigenvalues, falling, of the kernel K_ij = CIDEr(c_i, c_j) / 10
 *                (original CIDEr; Wang and Chan, arXiv 1903.12020): 0 for G times the same caption, 1 for nothing in common
 * Larger is more diverse, but for mBLEU-4. */
#ifndef TROUPE_SCORE_DIVERSITY_H
#define TROUPE_SCORE_DIVERSITY_H

#include "common/score/bleu.h"
#include "common/score/cider.h"

typedef enum DiversityMetric {
  DIVERSITY_DISTINCT_1,
  DIVERSITY_DISTINCT_2,
  DIVERSITY_MBLEU_4,
  DIVERSITY_SELF_CIDER,
  DIVERSITY_CIDER_ORACLE,
  DIVERSITY_CIDER_MEAN,
  DIVERSITIES
} DiversityMetric;

/* "distinct_1", "distinct_2", "mBLEU_4", "self_CIDEr", "CIDEr_oracle", "CIDEr_mean". */
const char *diversity_name(DiversityMetric metric);

/* Scratch, and the sums of a set. All owned. */
typedef struct Diversity {
  int group;        /* G >= 2 */
  BleuStats *sum;   /* [G]: of the g-th captions */
  WordSpan *others; /* [G - 1] */
  double *kernel;   /* [G, G] */
  NgramCounts counts;
  NgramReferences references;
  CiderReferences cider;
} Diversity;

void diversity_init(Diversity *diversity, int group);
void diversity_free(Diversity *diversity); /* idempotent */

/* One picture's group: captions [G], their CIDEr-D cider_d[g * stride]. Writes values [DIVERSITIES] and adds to the sums. */
void diversity_add(Diversity *diversity, Cider *cider, const WordSpan *captions, const double *cider_d, int stride,
                   double *values);
/* mBLEU-4 of the set so far; the set's other values are means over pictures. */
double diversity_mbleu(const Diversity *diversity);

/* Eigenvalues of a symmetric matrix [n, n] (destroyed) on its diagonal, in no order, by Jacobi's rotations. */
void eigenvalues_symmetric(double *matrix, int n);

#endif
