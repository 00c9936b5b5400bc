/* Diversity of groups of captions. */
#include "common/score/diversity.h"

#include <math.h>
#include <stdlib.h>

static const char *const NAMES[DIVERSITIES] = {
    [DIVERSITY_DISTINCT_1] = "distinct_1",     [DIVERSITY_DISTINCT_2] = "distinct_2",
    [DIVERSITY_MBLEU_4] = "mBLEU_4",           [DIVERSITY_SELF_CIDER] = "self_CIDEr",
    [DIVERSITY_CIDER_ORACLE] = "CIDEr_oracle", [DIVERSITY_CIDER_MEAN] = "CIDEr_mean",
};

const char *diversity_name(DiversityMetric metric) { return NAMES[metric]; }

void diversity_init(Diversity *diversity, int group) {
  CHECK(group >= 2);
  *diversity = (Diversity){.group = group};
  diversity->sum = xcalloc((size_t)group, sizeof *diversity->sum);
  diversity->others = xmalloc((size_t)group * sizeof *diversity->others);
  diversity->kernel = xmalloc((size_t)group * (size_t)group * sizeof *diversity->kernel);
  ngram_counts_init(&diversity->counts);
  ngram_references_init(&diversity->references);
}

void diversity_free(Diversity *diversity) {
  free(diversity->sum);
  free(diversity->others);
  free(diversity->kernel);
  ngram_counts_free(&diversity->counts);
  ngram_references_free(&diversity->references);
  cider_references_free(&diversity->cider);
  *diversity = (Diversity){0};
}

void eigenvalues_symmetric(double *matrix, int n) {
  enum { SWEEPS = 50 };
  double scale = 0, off = 0;
  for (int i = 0; i < n * n; i++) scale += matrix[i] * matrix[i];
  for (int sweep = 0; sweep < SWEEPS; sweep++, off = 0) {
    for (int p = 0; p < n; p++)
      for (int q = 0; q < p; q++) off += matrix[p * n + q] * matrix[p * n + q];
    if (!(off > 1e-30 * scale)) return;
    for (int p = 0; p < n; p++) {
      for (int q = p + 1; q < n; q++) {
        double apq = matrix[p * n + q];
        if (apq == 0) continue;
        double theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * apq);
        double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
        double c = 1 / sqrt(t * t + 1), s = t * c;
        matrix[p * n + p] -= t * apq;
        matrix[q * n + q] += t * apq;
        matrix[p * n + q] = matrix[q * n + p] = 0;
        for (int k = 0; k < n; k++) {
          if (k == p || k == q) continue;
          double akp = matrix[k * n + p], akq = matrix[k * n + q];
          matrix[k * n + p] = matrix[p * n + k] = c * akp - s * akq;
          matrix[k * n + q] = matrix[q * n + k] = s * akp + c * akq;
        }
      }
    }
  }
}

static double distinct(Diversity *diversity, const WordSpan *captions, int order) {
  int64_t words = 0, distinct = 0;
  ngram_counts_clear(&diversity->counts);
  for (int g = 0; g < diversity->group; g++) {
    ngram_counts_add(&diversity->counts, captions[g]);
    words += captions[g].count;
  }
  for (int i = 0; i < diversity->counts.used; i++) distinct += diversity->counts.entries[i].order == order;
  return words ? (double)distinct / (double)words : 0;
}

static double mbleu(Diversity *diversity, const WordSpan *captions) {
  double sum = 0, bleu[NGRAM_MAX];
  for (int g = 0; g < diversity->group; g++) {
    int others = 0;
    for (int k = 0; k < diversity->group; k++)
      if (k != g) diversity->others[others++] = captions[k];
    ngram_references_count(&diversity->references, diversity->others, others);
    BleuStats stats = bleu_stats(&diversity->references, captions[g], &diversity->counts);
    bleu_stats_add(&diversity->sum[g], &stats);
    bleu_scores(&stats, bleu);
    sum += bleu[3];
  }
  return sum / diversity->group;
}

/* Captions too short for n-grams of an order have less than 1 on the diagonal; without any the value is 0. */
static double self_cider(Diversity *diversity, Cider *cider, const WordSpan *captions) {
  int group = diversity->group;
  double *kernel = diversity->kernel, sum = 0, largest = 0;
  for (int j = 0; j < group; j++) {
    ngram_references_count(&diversity->references, captions + j, 1);
    cider_cook(cider, &diversity->cider, &diversity->references, NULL);
    for (int i = 0; i < group; i++)
      kernel[i * group + j] = cider_score(cider, &diversity->cider, captions[i]).original / 10;
  }
  eigenvalues_symmetric(kernel, group);
  for (int i = 0; i < group; i++) largest = fmax(largest, kernel[i * group + i]);
  for (int i = 0; i < group; i++) {
    double value = kernel[i * group + i];
    if (value > 1e-13 * largest) sum += sqrt(value); /* less is rounding, whose root would show */
  }
  return largest > 0 ? -log(sqrt(largest) / sum) / log(group) : 0;
}

void diversity_add(Diversity *diversity, Cider *cider, const WordSpan *captions, const double *cider_d, int stride,
                   double *values) {
  values[DIVERSITY_DISTINCT_1] = distinct(diversity, captions, 1);
  values[DIVERSITY_DISTINCT_2] = distinct(diversity, captions, 2);
  values[DIVERSITY_MBLEU_4] = mbleu(diversity, captions);
  values[DIVERSITY_SELF_CIDER] = self_cider(diversity, cider, captions);
  double best = cider_d[0], sum = 0;
  for (int g = 0; g < diversity->group; g++) {
    double value = cider_d[(size_t)g * (size_t)stride];
    if (value > best) best = value;
    sum += value;
  }
  values[DIVERSITY_CIDER_ORACLE] = best;
  values[DIVERSITY_CIDER_MEAN] = sum / diversity->group;
}

double diversity_mbleu(const Diversity *diversity) {
  double sum = 0, bleu[NGRAM_MAX];
  for (int g = 0; g < diversity->group; g++) {
    bleu_scores(&diversity->sum[g], bleu);
    sum += bleu[3];
  }
  return sum / diversity->group;
}
