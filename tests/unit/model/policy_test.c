/* Policy and captions of a split: what does not fit is refused by name; captions do not depend on threads or chunks. */
#include "common/model/policy.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/model/caption_split.h"
#include "tests/unit/test_folder.h"
#include "tests/unit/tiny_dataset.h"

static char data_path[64], checkpoint_path[64];
static Config config;
static Dataset dataset;

static void set(const char *assignment) { assert_int_equal(config_set(&config, assignment), OK); }

static void expect_refused(Status status, const char *message) {
  assert_int_equal(status, BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("'%s' does not contain '%s'", status_message(), message);
}

/* A checkpoint of the configuration as it stands, with random weights. */
static void save(void) {
  ParamTable table;
  float *weights;
  set("policy.init=random");
  assert_int_equal(policy_initial(&config, &dataset, &table, &weights), OK);
  Checkpoint checkpoint = {
      .shape = table.shape, .stage = "pretrain", .weights = weights, .moment1 = weights, .moment2 = weights};
  policy_sign(&checkpoint, &config, &dataset);
  assert_int_equal(checkpoint_save(&checkpoint, &table, checkpoint_path), OK);
  free(checkpoint.config);
  free(weights);
  params_free(&table);
}

static int set_up(void **state) {
  if (folder_make(state)) return -1;
  snprintf(data_path, sizeof data_path, "%s/data.h5", folder);
  snprintf(checkpoint_path, sizeof checkpoint_path, "%s/policy.h5", folder);
  tiny_dataset(data_path, 40);
  config_init(&config);
  set("model.d_model=16"), set("model.heads=2"), set("model.d_ff=32"), set("model.max_length=8");
  assert_int_equal(dataset_open(&dataset, data_path, false), OK);
  return 0;
}

static int tear_down(void **state) {
  dataset_close(&dataset);
  config_free(&config);
  unlink(data_path);
  unlink(checkpoint_path);
  return folder_drop(state);
}

static Status initial(void) {
  ParamTable table = {0};
  float *weights = NULL;
  char *init = xasprintf("policy.init=%s", checkpoint_path);
  set(init);
  Status status = policy_initial(&config, &dataset, &table, &weights);
  assert_true((status == OK) == (weights != NULL));
  free(init);
  free(weights);
  params_free(&table);
  return status;
}

static void initial_policy_must_fit(void **state) {
  (void)state;
  unlink(checkpoint_path);
  expect_refused(initial(), "policy.h5: no such checkpoint; policy.init must name one");
  save();
  assert_int_equal(initial(), OK);
  set("model.d_ff=64");
  expect_refused(initial(), "policy.h5: its model.d_ff is 32, the configuration says 64");
  set("model.d_ff=32"), set("model.norm=pre");
  expect_refused(initial(), "its model.norm is post, the configuration says pre; the checkpoint's value, or another");
  set("model.norm=post");
}

static void dataset_must_fit(void **state) {
  (void)state;
  save();
  Checkpoint checkpoint;
  ParamTable table;
  Config trained;
  assert_int_equal(checkpoint_load(&checkpoint, &table, checkpoint_path, 1), OK);
  assert_int_equal(policy_fits_dataset(&checkpoint, "c.h5", &dataset), OK);
  assert_int_equal(policy_saw_dataset(&checkpoint, "c.h5", &dataset), OK);
  assert_int_equal(policy_trained_config(&checkpoint, "c.h5", &trained), OK);
  assert_int_equal(policy_max_length(&trained), 8);
  config_free(&trained);
  checkpoint.shape.positions = 7;
  expect_refused(policy_trained_config(&checkpoint, "c.h5", &trained),
                 "c.h5: config: model.max_length is 8, but the model has 7 positions");
  config_free(&trained);
  checkpoint.shape.positions = table.shape.positions;
  checkpoint.dataset_hash[0] ^= 1;
  assert_int_equal(policy_fits_dataset(&checkpoint, "c.h5", &dataset), OK);
  expect_refused(policy_saw_dataset(&checkpoint, "c.h5", &dataset), "c.h5: was trained on a dataset of hash");
  checkpoint.kind = VOCABULARY_BPE;
  expect_refused(policy_fits_dataset(&checkpoint, "c.h5", &dataset), "its vocabulary is one of bpe");
  checkpoint.kind = VOCABULARY_WORDS;
  checkpoint.token[WORDS_SPECIAL][0] = '#';
  expect_refused(policy_fits_dataset(&checkpoint, "c.h5", &dataset),
                 "a dataset prepared like the one that it was trained on");
  strcpy(checkpoint.token[WORDS_SPECIAL], dataset.token[WORDS_SPECIAL]);
  strcpy(checkpoint.encoder, "other");
  expect_refused(policy_fits_dataset(&checkpoint, "c.h5", &dataset), "was trained on grids of encoder other");
  checkpoint_free(&checkpoint);
  params_free(&table);
}

static void splits_must_be_there(void **state) {
  (void)state;
  assert_int_equal(policy_fits_splits(&config, &dataset, "pretrain.batch_images", 32), OK);
  expect_refused(policy_fits_splits(&config, &dataset, "pretrain.batch_images", 33),
                 "pretrain.batch_images 33 is above the 32 images of split train");
  set("data.validation=dev");
  expect_refused(policy_fits_splits(&config, &dataset, "pretrain.batch_images", 1), "has no split 'dev'");
  set("evaluation.every=0");
  assert_int_equal(policy_fits_splits(&config, &dataset, "pretrain.batch_images", 1), OK);
  set("data.validation=val"), set("evaluation.every=10");
}

static void captions(const ParamTable *table, const float *weights, const int32_t *images, int count, int threads,
                     int chunk, int groups, char **texts) {
  CaptionSplitOptions options = {.max_length = 8, .chunk_images = chunk};
  options.search = (BeamOptions){.beam = 2 * groups - 1 + (groups > 1), .groups = groups, .diversity = 0.5f};
  if (groups > 1) options.search.rules = (DecodeRules){.min_length = 4, .no_repeat_ngram = 2};
  omp_set_num_threads(threads);
  assert_int_equal(caption_split(&dataset, table, weights, images, count, &options, texts), OK);
}

static void captions_do_not_depend_on_threads(void **state) {
  (void)state;
  enum { MOST = 40 };
  ParamTable table;
  float *weights;
  int32_t *images;
  int count;
  char *one[MOST], *three[MOST];
  set("policy.init=random");
  assert_int_equal(policy_initial(&config, &dataset, &table, &weights), OK);
  assert_int_equal(caption_split_images(&dataset, "train", 17, &images, &count), OK);
  assert_int_equal(count, 17);
  for (int groups = 1; groups <= 3; groups += 2) {
    captions(&table, weights, images, count, 1, 5, groups, one);
    captions(&table, weights, images, count, 3, 4, groups, three);
    for (int i = 0; i < count; i++) assert_string_equal(one[i], three[i]);
    EvaluationScores scores;
    caption_split_score(&dataset, images, count, 1, one, &scores);
    assert_true(scores.corpus[METRIC_CIDER] >= 0 && scores.corpus[METRIC_CIDER] <= 10 && scores.images == count);
    evaluation_scores_free(&scores);
    for (int i = 0; i < count; i++) free(one[i]), free(three[i]);
  }
  free(images);
  free(weights);
  params_free(&table);
  char a[] = "a red star", empty[] = "", *two[] = {a, empty};
  assert_true(caption_split_words(two, 2) == 1.5);
}

static void scores_by_the_training_split_do_not_depend_on_the_set(void **state) {
  (void)state;
  int32_t images[] = {0, 1, 2};
  char text[3][16] = {"a red circle", "a blue star", "a green ring"}, *captions[] = {text[0], text[1], text[2]};
  NgramDf df;
  EvaluationScores all, one;
  assert_int_equal(caption_split_frequencies(&dataset, &df), OK);
  caption_split_score_by(&df, &dataset, images, 3, 1, captions, &all);
  for (int i = 0; i < 3; i++) {
    caption_split_score_by(&df, &dataset, images + i, 1, 1, captions + i, &one);
    assert_true(one.image[0][METRIC_CIDER] == all.image[i][METRIC_CIDER]);
    evaluation_scores_free(&one);
  }
  assert_true(all.corpus[METRIC_CIDER] > 0);
  evaluation_scores_free(&all);
  ngram_df_free(&df);
}

static void groups_do_not_depend_on_threads(void **state) {
  (void)state;
  enum { COUNT = 17, GROUP = 3 };
  ParamTable table;
  float *weights;
  int32_t *images;
  int count;
  char *one[COUNT * GROUP], *three[COUNT * GROUP];
  set("policy.init=random");
  assert_int_equal(policy_initial(&config, &dataset, &table, &weights), OK);
  assert_int_equal(caption_split_images(&dataset, "train", COUNT, &images, &count), OK);
  CaptionSplitOptions options = {
      .samples = GROUP, .max_length = 8, .sampling = policy_sampling(&config), .chunk_images = 8};
  options.sampling.seed = 4;
  omp_set_num_threads(1);
  assert_int_equal(caption_split(&dataset, &table, weights, images, count, &options, one), OK);
  omp_set_num_threads(3);
  assert_int_equal(caption_split(&dataset, &table, weights, images, count, &options, three), OK);
  int differ = 0;
  for (int i = 0; i < COUNT * GROUP; i++) {
    assert_string_equal(one[i], three[i]);
    differ += i % GROUP > 0 && strcmp(one[i], one[i - 1]) != 0;
  }
  assert_true(differ > COUNT);
  EvaluationScores scores;
  caption_split_score(&dataset, images, count, GROUP, one, &scores);
  assert_true(scores.images == COUNT && scores.group == GROUP && scores.image_diversity);
  double distinct = scores.diversity[DIVERSITY_DISTINCT_1];
  assert_true(distinct > 0 && distinct <= 1);
  evaluation_scores_free(&scores);
  for (int i = 0; i < COUNT * GROUP; i++) free(one[i]), free(three[i]);
  free(images);
  free(weights);
  params_free(&table);
}

static void pieces_are_tokenised_before_scoring(void **state) {
  (void)state;
  int32_t images[] = {0, 1};
  char words[4][32] = {"a red circle on the grass", "a small red circle", "a blue circle", "one blue circle"};
  char text[4][32] = {"A red circle on the grass.", "A small, red circle", "A blue circle!", "One blue circle."};
  char *tokenised[4], *written[4];
  for (int i = 0; i < 4; i++) tokenised[i] = words[i], written[i] = text[i];
  for (int group = 1; group <= 2; group++) {
    EvaluationScores expected, scores;
    caption_split_score(&dataset, images, 2, group, tokenised, &expected);
    dataset.kind = VOCABULARY_BPE;
    caption_split_score(&dataset, images, 2, group, written, &scores);
    dataset.kind = VOCABULARY_WORDS;
    for (int m = 0; m < METRICS; m++) assert_true(scores.corpus[m] == expected.corpus[m]);
    assert_true(scores.corpus[METRIC_CIDER] > 0);
    evaluation_scores_free(&expected);
    evaluation_scores_free(&scores);
  }
}

static void unreadable_features_end_it(void **state) {
  (void)state;
  enum { COUNT = 60 };
  ParamTable table;
  float *weights;
  int32_t images[COUNT];
  char *texts[2 * COUNT];
  set("policy.init=random");
  assert_int_equal(policy_initial(&config, &dataset, &table, &weights), OK);
  for (int i = 0; i < COUNT; i++) images[i] = i;
  int there = dataset.images;
  dataset.images = COUNT; /* more than the file has */
  for (int samples = 0; samples <= 2; samples += 2) {
    CaptionSplitOptions options = {.max_length = 8,
                                   .samples = samples,
                                   .search = {.beam = 1},
                                   .sampling = policy_sampling(&config),
                                   .chunk_images = 3};
    omp_set_num_threads(1 + samples);
    Status status = caption_split(&dataset, &table, weights, images, COUNT, &options, texts);
    assert_int_equal(status, FAILED);
    assert_non_null(strstr(status_message(), "cannot be read"));
    if (!samples) assert_non_null(strstr(status_message(), "of picture 40 ")); /* the first, and nothing after it */
  }
  dataset.images = there;
  free(weights);
  params_free(&table);
}

/* Expected gradient of log pi over samples is 0 only if no token that is never drawn has a probability. */
static void tokens_never_written_have_no_probability(void **state) {
  (void)state;
  ParamTable table;
  float *weights;
  for (int allow = 0; allow <= 1; allow++) {
    set("policy.init=random");
    set(allow ? "sampling.forbid_unk=false" : "sampling.forbid_unk=true");
    assert_int_equal(policy_initial(&config, &dataset, &table, &weights), OK);
    const float *bias = weights + table.output.bias;
    assert_true(expf(bias[TOKEN_PAD]) == 0 && expf(bias[TOKEN_START]) == 0);
    assert_true(expf(bias[TOKEN_UNKNOWN]) == (float)allow);
    assert_true(expf(bias[TOKEN_END]) == 1);
    free(weights);
    params_free(&table);
  }
  set("sampling.forbid_unk=true");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_never_written_have_no_probability),
      cmocka_unit_test(initial_policy_must_fit),
      cmocka_unit_test(dataset_must_fit),
      cmocka_unit_test(splits_must_be_there),
      cmocka_unit_test(captions_do_not_depend_on_threads),
      cmocka_unit_test(scores_by_the_training_split_do_not_depend_on_the_set),
      cmocka_unit_test(groups_do_not_depend_on_threads),
      cmocka_unit_test(pieces_are_tokenised_before_scoring),
      cmocka_unit_test(unreadable_features_end_it),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
