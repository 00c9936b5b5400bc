/* Evaluate: scores a set of pictures, one candidate caption each against several references, by every metric there is.
 * Used by `troupe score`, by `troupe evaluate` and by the learner's evaluation during training. A new metric is one row
 * of the table in evaluate.c. */
#ifndef TROUPE_SCORE_EVALUATE_H
#define TROUPE_SCORE_EVALUATE_H

#include <stdbool.h>

#include "common/score/ngram.h"
#include "common/score/ptb.h"

typedef enum Metric {
  METRIC_BLEU_1,
  METRIC_BLEU_2,
  METRIC_BLEU_3,
  METRIC_BLEU_4,
  METRIC_METEOR,
  METRIC_ROUGE_L,
  METRIC_CIDER,
  METRIC_CIDER_ORIGINAL,
  METRICS
} Metric;

/* "Bleu_1" .. "Bleu_4", "METEOR", "ROUGE_L", "CIDEr" (CIDEr-D, as the field prints it), "CIDEr_original". */
const char *metric_name(Metric metric);
/* Why a metric is absent from this build's results, or NULL when it is computed. */
const char *metric_absent(Metric metric);

/* The set, as word hashes. */
typedef struct Evaluation {
  PtbTokenizer ptb;
  uint64_t *words; /* owned: all captions behind each other */
  size_t words_used, words_room;
  WordRange *captions; /* owned: a picture's candidate, then its references */
  size_t captions_used, captions_room;
  size_t *pictures; /* owned: [images] index of the picture's candidate in captions */
  int images, images_room;
} Evaluation;

typedef struct EvaluationScores {
  int images;
  bool present[METRICS];
  double corpus[METRICS];
  double (*image)[METRICS]; /* owned: [images], in the order they were added; absent metrics are 0 */
} EvaluationScores;

void evaluation_init(Evaluation *evaluation);
void evaluation_free(Evaluation *evaluation); /* idempotent */

/* Adds one picture; texts as people write them, tokenised here. count > 0 references. */
void evaluation_add(Evaluation *evaluation, const char *candidate, const char *const *references, int count);
/* The same for captions that are tokenised already (words separated by white space). */
void evaluation_add_tokenized(Evaluation *evaluation, const char *candidate, const char *const *references, int count);

/* CIDEr's document frequencies are those of the set's references. A set without pictures scores 0. */
void evaluation_compute(const Evaluation *evaluation, EvaluationScores *scores);
void evaluation_scores_free(EvaluationScores *scores); /* idempotent */

#endif
