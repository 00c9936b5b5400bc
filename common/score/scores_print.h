/* Scores for people and for programs: one place for `troupe score` and `troupe evaluate`. */
#ifndef TROUPE_SCORE_SCORES_PRINT_H
#define TROUPE_SCORE_SCORES_PRINT_H

#include <stdio.h>

#include "common/base/json.h"
#include "common/score/evaluate.h"

/* {"Bleu_1": ..., ...}: the metrics that are present, from corpus or image[i]. New. */
json_t *scores_json(const EvaluationScores *scores, const double *value);
/* {"distinct_1": ..., ...}, from diversity or image_diversity[i]. New. */
json_t *diversity_json(const double *value);
/* {"Bleu_1": ..., ..., "candidates": [{...}, ...], "diversity": {...}}: picture `image`; the metrics are means over its group,
 * and the last two are there for groups only. New. */
json_t *scores_image_json(const EvaluationScores *scores, int image);

/* One row a metric. */
void scores_table(FILE *out, const EvaluationScores *scores);
/* One row a picture, one column a metric (the mean over its group). ids [images]. */
void scores_image_table(FILE *out, const EvaluationScores *scores, const char *const *ids);
/* On stderr, one line a metric that is wanted but not there: why. */
void scores_absent_log(const EvaluationScores *scores);

/* Prints indented JSON on stdout and takes `root`. */
void json_print(json_t *root);

#endif
