/* Diversity of groups against plain numpy (tests/golden/score/make_diversity.py), and eigenvalues against what they are. */
#include "common/score/diversity.h"

#include <string.h>

#include "common/base/rng.h"
#include "common/score/evaluate.h"
#include "tests/unit/score/golden.h"

static void groups_equal_goldens(void **state) {
  (void)state;
  json_t *root = golden_load("tests/golden/score/diversity.json"), *image;
  json_t *images = json_object_get(root, "images");
  Evaluation evaluation;
  evaluation_init(&evaluation);
  size_t i;
  json_array_foreach(images, i, image) {
    const char *candidates[16], *references[16];
    int group = golden_texts(json_object_get(image, "candidates"), candidates);
    int count = golden_texts(json_object_get(image, "references"), references);
    evaluation_add_group(&evaluation, candidates, group, references, count);
  }
  EvaluationScores scores;
  evaluation_compute(&evaluation, &scores);
  assert_int_equal(scores.group, 5);
  assert_non_null(scores.image_diversity);
  for (int m = 0; m < DIVERSITIES; m++) {
    const char *name = diversity_name((DiversityMetric)m);
    golden_close(scores.diversity[m], golden_number(json_object_get(root, "corpus"), name), name);
    json_array_foreach(images, i, image)
        golden_close(scores.image_diversity[i][m], golden_number(json_object_get(image, "diversity"), name), name);
  }
  assert_true(fabs(scores.diversity[DIVERSITY_CIDER_MEAN] - scores.corpus[METRIC_CIDER]) <= 1e-12);
  evaluation_scores_free(&scores);
  evaluation_free(&evaluation);
  json_decref(root);
}

static void one_candidate_has_no_diversity(void **state) {
  (void)state;
  Evaluation evaluation;
  evaluation_init(&evaluation);
  evaluation_add(&evaluation, "a dog", (const char *[]){"a dog runs"}, 1);
  EvaluationScores scores;
  evaluation_compute(&evaluation, &scores);
  assert_null(scores.image_diversity);
  evaluation_scores_free(&scores);
  evaluation_free(&evaluation);
}

/* Sums of the first four powers of the eigenvalues are the traces of the matrix' powers. */
static void eigenvalues_keep_traces(void **state) {
  (void)state;
  enum { N = 24 };
  static double matrix[N * N], power[N * N], next[N * N];
  for (uint32_t trial = 0; trial < 20; trial++) {
    RngKey key = {.seed = 3, .stage = RNG_TEST, .image = trial};
    for (int i = 0; i < N; i++)
      for (int j = 0; j <= i; j++) {
        key.position++;
        matrix[i * N + j] = matrix[j * N + i] = rng_below(&key, 2001) / 1000.0 - 1;
      }
    double trace[5] = {0};
    memcpy(power, matrix, sizeof power);
    for (int p = 1; p < 5; p++) {
      for (int i = 0; i < N; i++) trace[p] += power[i * N + i];
      for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
          next[i * N + j] = 0;
          for (int k = 0; k < N; k++) next[i * N + j] += power[i * N + k] * matrix[k * N + j];
        }
      memcpy(power, next, sizeof power);
    }
    eigenvalues_symmetric(matrix, N);
    for (int p = 1; p < 5; p++) {
      double sum = 0;
      for (int i = 0; i < N; i++) sum += pow(matrix[i * N + i], p);
      assert_true(fabs(sum - trace[p]) <= 1e-10 * (1 + fabs(trace[4])));
    }
  }
  double identity[4] = {1, 0, 0, 1}, ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  eigenvalues_symmetric(identity, 2);
  assert_true(identity[0] == 1 && identity[3] == 1);
  eigenvalues_symmetric(ones, 3);
  double largest = fmax(ones[0], fmax(ones[4], ones[8]));
  assert_true(fabs(largest - 3) <= 1e-14 && fabs(ones[0] + ones[4] + ones[8] - 3) <= 1e-14);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(groups_equal_goldens),
      cmocka_unit_test(one_candidate_has_no_diversity),
      cmocka_unit_test(eigenvalues_keep_traces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
