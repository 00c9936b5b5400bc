/* Scores as tables and JSON. */
#include "common/score/scores_print.h"

#include <stdlib.h>
#include <string.h>

/* {"Bleu_1": ..., ...}: the metrics that are present, from corpus or image[i]. */
static json_t *scores_json(const EvaluationScores *scores, const double *value) {
  json_t *object = json_object();
  for (int m = 0; m < METRICS; m++)
    if (scores->present[m]) json_object_set_new(object, metric_name((Metric)m), json_number(value[m]));
  return object;
}

json_t *scores_corpus_json(const EvaluationScores *scores) {
  json_t *root = json_object(), *absent = json_object();
  json_object_set_new(root, "corpus", scores_json(scores, scores->corpus));
  for (int m = 0; m < METRICS; m++)
    if (scores->absent[m]) json_object_set_new(absent, metric_name((Metric)m), json_string(metric_absent((Metric)m)));
  if (json_object_size(absent)) json_object_set(root, "absent", absent);
  json_decref(absent);
  json_object_set_new(root, "images", json_integer(scores->images));
  return root;
}

json_t *diversity_json(const double *value) {
  json_t *object = json_object();
  for (int m = 0; m < DIVERSITIES; m++)
    json_object_set_new(object, diversity_name((DiversityMetric)m), json_number(value[m]));
  return object;
}

/* Means over a picture's group. */
static void image_means(const EvaluationScores *scores, int image, double means[METRICS]) {
  memset(means, 0, sizeof(double) * METRICS);
  for (int g = 0; g < scores->group; g++)
    for (int m = 0; m < METRICS; m++) means[m] += scores->image[image * scores->group + g][m] / scores->group;
}

json_t *scores_image_json(const EvaluationScores *scores, int image) {
  double means[METRICS];
  image_means(scores, image, means);
  json_t *object = scores_json(scores, means);
  if (scores->group == 1) return object;
  json_t *candidates = json_array();
  for (int g = 0; g < scores->group; g++)
    json_array_append_new(candidates, scores_json(scores, scores->image[image * scores->group + g]));
  json_object_set_new(object, "candidates", candidates);
  if (scores->image_diversity) json_object_set_new(object, "diversity", diversity_json(scores->image_diversity[image]));
  return object;
}

void scores_table(FILE *out, const EvaluationScores *scores) {
  for (int m = 0; m < METRICS; m++) {
    const char *name = metric_name((Metric)m);
    if (scores->present[m]) fprintf(out, "%-14s %.4f\n", name, scores->corpus[m]);
    if (scores->absent[m]) fprintf(out, "%-14s absent: %s\n", name, metric_absent((Metric)m));
  }
  for (int m = 0; scores->image_diversity && m < DIVERSITIES; m++)
    fprintf(out, "%-14s %.4f\n", diversity_name((DiversityMetric)m), scores->diversity[m]);
}

/* Width of a metric's column. */
static int column(int m) { return strlen(metric_name((Metric)m)) > 7 ? 14 : 7; }

void scores_image_table(FILE *out, const EvaluationScores *scores, const char *const *ids) {
  int width = 2;
  for (int i = 0; i < scores->images; i++)
    if ((int)strlen(ids[i]) > width) width = (int)strlen(ids[i]);
  fprintf(out, "%-*s", width, "id");
  for (int m = 0; m < METRICS; m++)
    if (scores->present[m]) fprintf(out, "  %*s", column(m), metric_name((Metric)m));
  for (int m = 0; scores->image_diversity && m < DIVERSITIES; m++)
    fprintf(out, "  %12s", diversity_name((DiversityMetric)m));
  fputc('\n', out);
  for (int i = 0; i < scores->images; i++) {
    double means[METRICS];
    image_means(scores, i, means);
    fprintf(out, "%-*s", width, ids[i]);
    for (int m = 0; m < METRICS; m++)
      if (scores->present[m]) fprintf(out, "  %*.4f", column(m), means[m]);
    for (int m = 0; scores->image_diversity && m < DIVERSITIES; m++)
      fprintf(out, "  %12.4f", scores->image_diversity[i][m]);
    fputc('\n', out);
  }
}

void json_print(json_t *root) {
  char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  CHECK(text);
  puts(text);
  free(text);
  json_decref(root);
}
