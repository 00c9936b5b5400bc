/* Scores for people and for programs: one place for `troupe score` and `troupe evaluate`. */
#ifndef TROUPE_SCORE_SCORES_PRINT_H
#define TROUPE_SCORE_SCORES_PRINT_H

#include <stdio.h>

#include "common/base/json.h"
#include "common/score/evaluate.h"

/* {"corpus": {"Bleu_1": ..., ...}, "absent": {"METEOR": why}, "images": N}: the metrics that are present, and those that were
 * wanted but are not ("absent" is there only then). New. */
json_t *scores_corpus_json(const EvaluationScores *scores);
/* {"distinct_1": ..., ...}, from diversity or image_diversity[i]. New. */
json_t *diversity_json(const double *value);
/* {"Bleu_1": ..., ..., "candidates": [{...}, ...], "diversity": {...}}: picture `image`; the metrics are means over its group,
 * and the last two are there for groups only. New. */
json_t *scores_image_json(const EvaluationScores *scores, int image);

/* One row a metric; of an absent one why, and what to do. */
void scores_table(FILE *out, const EvaluationScores *scores);
/* One row a picture, one column a metric (the mean over its group). ids [images]. */
void scores_image_table(FILE *out, const EvaluationScores *scores, const char *const *ids);

/* Prints indented JSON on stdout and takes `root`. */
void json_print(json_t *root);

#endif
