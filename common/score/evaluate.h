/* Evaluate: scores a set of pictures, a candidate caption each (or a group of them) against several references, by every
 * metric there is.
 * Used by `troupe score`, by `troupe evaluate` and by the learner's evaluation during training. A new metric is one row
 * of the table in evaluate.c. */
#ifndef TROUPE_SCORE_EVALUATE_H
#define TROUPE_SCORE_EVALUATE_H

#include <stdbool.h>

#include "common/base/pool.h"
#include "common/score/diversity.h"
#include "common/score/meteor.h"
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
/* Why a metric is absent from the results and what to do about it, or NULL when it is computed. */
const char *metric_absent(Metric metric);

/* A caption as each metric splits it; in the evaluation's pool. */
typedef struct EvaluationCaption {
  WordSpan words, tokens; /* tokens: as ROUGE-L splits it */
  MeteorCaption meteor;
} EvaluationCaption;

typedef struct EvaluationPicture {
  const EvaluationCaption *captions; /* [G + references], in the pool: the candidates, then the references */
  int references;
} EvaluationPicture;

/* The set. */
typedef struct Evaluation {
  PtbTokenizer ptb;
  Meteor *meteor;              /* owned: NULL where METEOR is absent or skipped */
  EvaluationPicture *pictures; /* owned: [images] */
  Pool pool;
  uint64_t *words;       /* owned: scratch for one caption */
  int32_t *meteor_words; /* owned: the same for METEOR */
  size_t words_room, meteor_words_room;
  int images, images_room;
  int group; /* G: candidates of each picture */
  /* set by the caller before the first picture is added */
  const NgramDf *df;  /* borrowed: CIDEr's document frequencies; NULL: those of the set's references */
  bool skip[METRICS]; /* metrics that are not wanted */
} Evaluation;

typedef struct EvaluationScores {
  int images, group;
  bool present[METRICS], absent[METRICS]; /* absent: wanted, but metric_absent says why not */
  double corpus[METRICS];                 /* every candidate counts as a caption of its own */
  double (*image)[METRICS];               /* owned: [images, G], in the order they were added; absent metrics are 0 */
  double diversity[DIVERSITIES];
  double (*image_diversity)[DIVERSITIES]; /* owned: [images]; NULL for one candidate a picture */
} EvaluationScores;

void evaluation_init(Evaluation *evaluation);
void evaluation_free(Evaluation *evaluation); /* idempotent */

/* Adds one picture; texts as people write them, tokenised here. count > 0 references. */
void evaluation_add(Evaluation *evaluation, const char *candidate, const char *const *references, int count);
/* The same for captions that are tokenised already (words separated by white space). */
void evaluation_add_tokenized(Evaluation *evaluation, const char *candidate, const char *const *references, int count);

/* One picture with `group` candidates, the same number in every picture. The second takes references that are tokenised,
 * and candidates that are or are not. */
void evaluation_add_group(Evaluation *evaluation, const char *const *candidates, int group,
                          const char *const *references, int count);
void evaluation_add_group_tokenized(Evaluation *evaluation, const char *const *candidates, int group,
                                    bool candidates_tokenized, const char *const *references, int count);

/* A set without pictures scores 0. */
void evaluation_compute(const Evaluation *evaluation, EvaluationScores *scores);
void evaluation_scores_free(EvaluationScores *scores); /* idempotent */

#endif
