/* Every metric, of each picture and of the set, against pycocoevalcap's (tests/golden/score). */
#include "common/score/evaluate.h"

#include "tests/unit/score/golden.h"

static void scores_equal_goldens(void **state) {
  (void)state;
  json_t *root = golden_load("tests/golden/score/metrics.json"), *set, *image;
  size_t s, i;
  int compared = 0;
  json_array_foreach(json_object_get(root, "sets"), s, set) {
    Evaluation evaluation;
    evaluation_init(&evaluation);
    json_t *images = json_object_get(set, "images");
    json_array_foreach(images, i, image) {
      const char *references[16];
      int count = golden_texts(json_object_get(image, "references"), references);
      evaluation_add_tokenized(&evaluation, golden_text(image, "candidate"), references, count);
    }
    EvaluationScores scores;
    evaluation_compute(&evaluation, &scores);
    assert_int_equal(scores.images, json_array_size(images));
    for (int m = 0; m < METRICS; m++) {
      if (!scores.present[m] || m == METRIC_METEOR) continue; /* meteor_test.c compares that */
      golden_close(scores.corpus[m], golden_number(json_object_get(set, "corpus"), metric_name(m)),
                   golden_text(set, "name"));
      json_array_foreach(images, i, image) {
        golden_close(scores.image[i][m], golden_number(json_object_get(image, "scores"), metric_name(m)),
                     golden_text(set, "name"));
        compared++;
      }
    }
    evaluation_scores_free(&scores);
    evaluation_free(&evaluation);
  }
  assert_true(compared > 1400);
  json_decref(root);
}

static void absent_metric_says_so(void **state) {
  (void)state;
  Evaluation evaluation;
  EvaluationScores scores;
  evaluation_init(&evaluation);
  evaluation_compute(&evaluation, &scores);
  assert_int_equal(scores.images, 0);
  for (int m = 0; m < METRICS; m++) {
    assert_non_null(metric_name(m));
    assert_int_equal(scores.present[m], !metric_absent(m));
    assert_true(scores.corpus[m] == 0);
  }
  evaluation_scores_free(&scores);
  evaluation_scores_free(&scores);
  evaluation_free(&evaluation);
  evaluation_free(&evaluation);
}

/* Captions as people write them score as their words do. */
static void raw_text_is_tokenized(void **state) {
  (void)state;
  Evaluation raw, words;
  EvaluationScores raw_scores, words_scores;
  evaluation_init(&raw);
  evaluation_init(&words);
  evaluation_add(&raw, "A dog's ball, rolling!", (const char *[]){"The dog's ball is rolling.", "A ball."}, 2);
  evaluation_add(&raw, "Two cats sit.", (const char *[]){"Two cats are sitting ."}, 1);
  evaluation_add_tokenized(&words, "a dog 's ball rolling", (const char *[]){"the dog 's ball is rolling", "a ball"},
                           2);
  evaluation_add_tokenized(&words, "two cats sit", (const char *[]){"two cats are sitting"}, 1);
  evaluation_compute(&raw, &raw_scores);
  evaluation_compute(&words, &words_scores);
  assert_true(raw_scores.corpus[METRIC_CIDER] > 0);
  for (int m = 0; m < METRICS; m++) assert_true(raw_scores.corpus[m] == words_scores.corpus[m]);
  evaluation_scores_free(&raw_scores);
  evaluation_scores_free(&words_scores);
  evaluation_free(&raw);
  evaluation_free(&words);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_equal_goldens),
      cmocka_unit_test(absent_metric_says_so),
      cmocka_unit_test(raw_text_is_tokenized),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
