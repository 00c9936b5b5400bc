/* Rewards of token ids against pycocoevalcap on the same tokens, with and without "<eos>" appended; and the components
 * that are this project's own, against their definitions. */
#include "actor/reward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/score/golden.h"

enum { END = 2, MOST_TOKENS = 64 };

typedef struct Golden {
  json_t *metrics, *root, *pictures;
  const char **vocabulary;
  int words;
} Golden;

static Golden golden_open(void) {
  Golden golden = {.metrics = golden_load("tests/golden/score/metrics.json"),
                   .root = golden_load("tests/golden/score/reward.json")};
  golden.pictures = json_object_get(golden.root, "pictures");
  json_t *vocabulary = json_object_get(golden.root, "vocabulary"), *word;
  golden.words = (int)json_array_size(vocabulary);
  golden.vocabulary = malloc(sizeof *golden.vocabulary * (size_t)golden.words);
  size_t i;
  json_array_foreach(vocabulary, i, word) golden.vocabulary[i] = json_string_value(word);
  return golden;
}

static void golden_close_files(Golden *golden) {
  json_decref(golden->metrics);
  json_decref(golden->root);
  free(golden->vocabulary);
}

/* Document frequencies of the generated set's references, end token included as in a dataset file. */
static void train_df(const Golden *golden, NgramDf *df) {
  json_t *set, *image;
  size_t s, i;
  NgramCounts scratch;
  ngram_df_init(df);
  ngram_counts_init(&scratch);
  json_array_foreach(json_object_get(golden->metrics, "sets"), s, set) {
    if (strcmp(golden_text(set, "name"), "generated")) continue;
    json_array_foreach(json_object_get(set, "images"), i, image) {
      const char *texts[16];
      int count = golden_texts(json_object_get(image, "references"), texts), lengths[16];
      uint64_t *words = NULL;
      size_t used = 0, room = 0;
      for (int r = 0; r < count; r++) lengths[r] = ngram_words_append(texts[r], true, &words, &used, &room);
      WordSpan spans[16];
      for (int r = 0, first = 0; r < count; first += lengths[r++]) spans[r] = (WordSpan){words + first, lengths[r]};
      ngram_df_add(df, spans, count, &scratch);
      free(words);
    }
  }
  assert_int_equal(df->documents, 200);
  ngram_counts_free(&scratch);
}

static void reward_open(Reward *reward, const RewardConfig *config, const Golden *golden, const NgramDf *df) {
  reward_init(reward, config, golden->words, golden->vocabulary, df);
  json_t *picture;
  size_t i;
  json_array_foreach(golden->pictures, i, picture) {
    const char *references[16];
    int count = golden_texts(json_object_get(picture, "references"), references);
    reward_add_image(reward, (int)i, references, count);
  }
}

typedef struct Group {
  int32_t tokens[3][MOST_TOKENS];
  const int32_t *rows[3];
  int32_t lengths[3];
  bool finished[3];
} Group;

static void group_read(const json_t *picture, Group *group) {
  json_t *captions = json_object_get(picture, "captions"), *token;
  assert_int_equal(json_array_size(captions), 3);
  for (size_t c = 0; c < 3; c++) {
    json_t *caption = json_array_get(captions, c), *tokens = json_object_get(caption, "tokens");
    size_t t;
    json_array_foreach(tokens, t, token) group->tokens[c][t] = (int32_t)json_integer_value(token);
    group->rows[c] = group->tokens[c];
    group->lengths[c] = (int32_t)json_array_size(tokens);
    group->finished[c] = json_is_true(json_object_get(caption, "finished"));
  }
}

static void compare(const Golden *golden, Reward *reward, const char *kind, const char *cider_name) {
  json_t *picture;
  size_t i;
  json_array_foreach(golden->pictures, i, picture) {
    Group group;
    group_read(picture, &group);
    double rewards[3], values[3][REWARD_COMPONENTS];
    reward_score(reward, (int)i, 3, group.rows, group.lengths, group.finished, rewards, values[0]);
    for (size_t c = 0; c < 3; c++) {
      json_t *expected = json_object_get(json_array_get(json_object_get(picture, "captions"), c), kind);
      golden_close(values[c][REWARD_CIDER_D], golden_number(expected, cider_name), cider_name);
      if (!strcmp(cider_name, "CIDEr"))
        golden_close(values[c][REWARD_CIDER], golden_number(expected, "CIDEr_original"), "CIDEr_original");
      golden_close(values[c][REWARD_BLEU4], golden_number(expected, "Bleu_4"), "Bleu_4");
      golden_close(values[c][REWARD_ROUGE_L], golden_number(expected, "ROUGE_L"), "ROUGE_L");
      double sum = 0;
      for (int k = 0; k < REWARD_COMPONENTS; k++) sum += reward->config.weight[k] * values[c][k];
      golden_close(rewards[c], sum, "weighted sum");
    }
  }
}

static RewardConfig scores_only(bool include_eos) {
  RewardConfig config = reward_config_default();
  config.include_eos = include_eos;
  config.weight[REWARD_CIDER] = 0.5;
  config.weight[REWARD_BLEU4] = 2;
  config.weight[REWARD_ROUGE_L] = -1;
  return config;
}

static void rewards_equal_goldens(void **state) {
  (void)state;
  Golden golden = golden_open();
  NgramDf df;
  train_df(&golden, &df);
  for (int eos = 0; eos < 2; eos++) {
    Reward reward;
    RewardConfig config = scores_only(eos);
    reward_open(&reward, &config, &golden, &df);
    compare(&golden, &reward, eos ? "eos" : "plain", "CIDEr");
    reward_free(&reward);
    reward_free(&reward);
  }
  ngram_df_free(&df);
  golden_close_files(&golden);
}

static void unit_frequencies_equal_goldens(void **state) {
  (void)state;
  Golden golden = golden_open();
  for (int eos = 0; eos < 2; eos++) {
    Reward reward;
    RewardConfig config = scores_only(eos);
    reward_open(&reward, &config, &golden, NULL);
    int32_t unit[20];
    for (int i = 0; i < 20; i++) unit[i] = 19 - i;
    reward_unit_set(&reward, unit, 3);
    reward_unit_set(&reward, unit, 20);
    compare(&golden, &reward, eos ? "eos" : "plain", "CIDEr_unit");
    reward_free(&reward);
  }
  golden_close_files(&golden);
}

/* The end token is what makes a caption that was cut worth less than a whole one. */
static void unfinished_captions_earn_less(void **state) {
  (void)state;
  static const char *const WORDS[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "dog", "runs"};
  Reward reward;
  RewardConfig config = reward_config_default();
  reward_init(&reward, &config, 7, WORDS, NULL);
  reward_add_image(&reward, 1, (const char *[]){"a dog runs", "the dog runs"}, 2);
  reward_add_image(&reward, 0, (const char *[]){"cats sleep"}, 1);
  reward_unit_set(&reward, (int32_t[]){0, 1}, 2);
  const int32_t whole[] = {4, 5, 6, END}, cut[] = {4, 5, 6};
  double rewards[2];
  reward_score(&reward, 1, 2, (const int32_t *[]){whole, cut}, (int32_t[]){4, 3}, (bool[]){true, false}, rewards, NULL);
  assert_true(rewards[0] > rewards[1] + 0.5);
  reward_free(&reward);
}

static void penalties_are_as_defined(void **state) {
  (void)state;
  static const char *const WORDS[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "b", "c"};
  Reward reward;
  RewardConfig config = {.weight = {[REWARD_LENGTH] = 0.1, [REWARD_REPETITION] = 1, [REWARD_NO_EOS] = 2},
                         .include_eos = true,
                         .length_target = 3,
                         .repetition_order = 2};
  reward_init(&reward, &config, 7, WORDS, NULL);
  reward_add_image(&reward, 0, (const char *[]){"a b"}, 1);
  const int32_t one[] = {4, 5, 4, 5, 4, END}, two[] = {4, 5, 6}, three[] = {END};
  double rewards[3], values[3][REWARD_COMPONENTS];
  reward_score(&reward, 0, 3, (const int32_t *[]){one, two, three}, (int32_t[]){6, 3, 1}, (bool[]){true, false, true},
               rewards, values[0]);
  assert_true(values[0][REWARD_LENGTH] == -2);       /* five words, target three */
  assert_true(values[0][REWARD_REPETITION] == -0.5); /* ab ba ab ba */
  assert_true(values[0][REWARD_NO_EOS] == 0);
  assert_true(values[1][REWARD_LENGTH] == 0 && values[1][REWARD_REPETITION] == 0 && values[1][REWARD_NO_EOS] == -1);
  assert_true(fabs(rewards[0] + 0.7) <= 1e-12);
  assert_true(fabs(rewards[1] + 2) <= 1e-12);
  assert_true(rewards[2] == 0);
  assert_string_equal(reward_component_name(REWARD_CIDER_D), "cider_d");
  for (int k = 0; k < REWARD_COMPONENTS; k++) assert_non_null(reward_component_name(k));
  reward_free(&reward);
}

/* METEOR 1.5's scores of whole captions, given as tokens, one vocabulary a caption. */
static void meteor_equals_goldens(void **state) {
  (void)state;
  setenv("TROUPE_METEOR", "tests/golden/score/meteor-tiny.bin", 1);
  json_t *root = golden_load("tests/golden/score/meteor.json"), *pair;
  RewardConfig config = {.weight = {[REWARD_METEOR] = 3}, .include_eos = true, .repetition_order = 2};
  size_t i;
  json_array_foreach(json_object_get(root, "pairs"), i, pair) {
    const char *references[16], *vocabulary[256] = {"<pad>", "<start>", "<end>", "<unk>"};
    int count = golden_texts(json_object_get(pair, "references"), references), words = 4;
    char *text = strdup(golden_text(pair, "candidate"));
    int32_t tokens[256];
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) vocabulary[words++] = word;
    for (int t = 4; t < words; t++) tokens[t - 4] = t;
    tokens[words - 4] = END;
    Reward reward;
    reward_init(&reward, &config, words, vocabulary, NULL);
    reward_add_image(&reward, 0, (const char *[]){"another picture", "with captions of its own"}, 2);
    reward_add_image(&reward, 1, references, count);
    double rewards[2], values[2][REWARD_COMPONENTS];
    const int32_t *rows[] = {tokens, tokens}; /* the end token is no word of METEOR's */
    reward_score(&reward, 1, 2, rows, (int32_t[]){words - 3, words - 4}, (bool[]){true, false}, rewards, values[0]);
    golden_close(values[0][REWARD_METEOR], golden_number(pair, "score"), golden_text(pair, "candidate"));
    golden_close(rewards[0], 3 * values[0][REWARD_METEOR], "weighted");
    assert_true(rewards[1] == rewards[0] && values[0][REWARD_CIDER_D] == 0);
    reward_free(&reward);
    reward_free(&reward);
    free(text);
  }
  json_decref(root);
}

static void add_pictures(Reward *reward, const Golden *golden) {
  json_t *picture;
  size_t i;
  json_array_foreach(golden->pictures, i, picture) {
    const char *texts[16];
    int count = golden_texts(json_object_get(picture, "references"), texts);
    reward_add_image(reward, (int)i * 3, texts, count); /* as in a dataset whose other splits stand between */
  }
}

/* 30 pictures of two captions that have no word in common, and their document frequencies. */
static void add_strangers(Reward *reward, NgramDf *df) {
  NgramCounts scratch;
  ngram_counts_init(&scratch);
  ngram_df_init(df);
  for (int i = 0; i < 30; i++) {
    static char kept[30][2][32]; /* the reward borrows them */
    char(*texts)[32] = kept[i];
    uint64_t words[2][2];
    for (int k = 0; k < 2; k++) {
      snprintf(texts[k], 32, "%c%c%c dog", k ? 'x' : 'y', 'a' + i % 26, 'a' + i / 26);
      if (k) texts[k][3] = 0;
      words[k][0] = ngram_word(texts[k], 3);
      words[k][1] = ngram_word("dog", 3);
    }
    if (reward) reward_add_image(reward, i, (const char *[]){texts[0], texts[1]}, 2);
    ngram_df_add(df, (WordSpan[]){{words[0], 2}, {words[1], 1}}, 2, &scratch);
  }
  ngram_counts_free(&scratch);
}

static void references_that_do_not_fit_are_refused(void **state) {
  (void)state;
  Golden golden = golden_open();
  RewardConfig config = reward_config_default();
  Reward reward;
  NgramDf df, strange;
  train_df(&golden, &df);
  reward_init(&reward, &config, golden.words, golden.vocabulary, &df);
  assert_int_equal(reward_check(&reward), OK); /* nothing there */
  add_pictures(&reward, &golden);
  if (reward_check(&reward) != OK) fail_msg("%s", status_message());
  reward_free(&reward);

  const char *const other[] = {"<pad>", "<start>", "<end>", "<unk>", "ein", "hund"};
  reward_init(&reward, &config, 6, other, &df);
  add_pictures(&reward, &golden);
  assert_int_equal(reward_check(&reward), BAD_INPUT);
  assert_non_null(strstr(status_message(), "are in the vocabulary"));
  reward_free(&reward);

  add_strangers(NULL, &strange);
  reward_init(&reward, &config, golden.words, golden.vocabulary, &strange);
  add_pictures(&reward, &golden);
  assert_int_equal(reward_check(&reward), BAD_INPUT);
  assert_non_null(strstr(status_message(), "document frequency"));
  reward_free(&reward);
  config.weight[REWARD_CIDER_D] = 0; /* frequencies do not count */
  config.weight[REWARD_ROUGE_L] = 1;
  reward_init(&reward, &config, golden.words, golden.vocabulary, &strange);
  add_pictures(&reward, &golden);
  assert_int_equal(reward_check(&reward), OK);
  reward_free(&reward);
  ngram_df_free(&strange);

  config = reward_config_default();
  config.include_eos = false;
  char words[64][4];
  const char *tokens[65] = {"dog"};
  for (int i = 0; i < 60; i++) {
    snprintf(words[i], sizeof words[i], "%c%c%c", i % 2 ? 'x' : 'y', 'a' + i / 2 % 26, 'a' + i / 2 / 26);
    tokens[i + 1] = words[i];
  }
  ngram_df_free(&df);
  reward_init(&reward, &config, 61, tokens, &strange);
  add_strangers(&reward, &df);
  cider_df_set(&reward.cider, &df);
  assert_int_equal(reward_check(&reward), BAD_INPUT);
  assert_non_null(strstr(status_message(), "with the wrong pictures"));
  reward_free(&reward);
  ngram_df_free(&df);
  golden_close_files(&golden);
}

/* Pieces earn what the words of their text earn. */
static void pieces_earn_as_their_words(void **state) {
  (void)state;
  static const char *const WORDS[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "dog", "'s", "t-shirt", "runs"};
  static const char *const PIECES[] = {"<pad>", "<start>", "<end>", "<unk>", "a",   "dog", "'",
                                       "s",     "t",       "-",     "shirt", "##s", "run", "."};
  static const char *const PAIRS[] = {"<pad>", "<start>", "<end>",       "<unk>", "A", "\304\240dog", "'s", "\304\240T",
                                      "-",     "shirt",   "\304\240run", "s",     "."};
  static const int32_t words[] = {4, 5, 6, 7, 8, END}, pieces[] = {4, 5, 6, 7, 8, 9, 10, 12, 11, 13, END},
                       pairs[] = {4, 5, 6, 7, 8, 9, 10, 11, 12, END};
  const struct {
    VocabularyKind kind;
    const char *const *text;
    int count;
    const int32_t *tokens;
    int length;
  } rows[] = {{VOCABULARY_WORDS, WORDS, 9, words, 6},
              {VOCABULARY_WORDPIECE, PIECES, 14, pieces, 11},
              {VOCABULARY_BPE, PAIRS, 13, pairs, 10}};
  double wanted[2] = {0}, rewards[2];
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    Reward reward;
    RewardConfig config = {
        .weight = {[REWARD_CIDER_D] = 1, [REWARD_BLEU4] = 1, [REWARD_ROUGE_L] = 1, [REWARD_LENGTH] = 0.1},
        .include_eos = true,
        .length_target = 2,
        .repetition_order = 2,
        .kind = rows[k].kind};
    reward_init(&reward, &config, rows[k].count, rows[k].text, NULL);
    reward_add_image(&reward, 0, (const char *[]){"a dog 's t-shirt runs away", "the dog runs"}, 2);
    reward_add_image(&reward, 1, (const char *[]){"cats sleep"}, 1);
    reward_unit_set(&reward, (int32_t[]){0, 1}, 2);
    static const int32_t cut[] = {4, 7, 6}; /* without "runs" and what follows */
    reward_score(&reward, 0, 2, (const int32_t *[]){rows[k].tokens, rows[k].tokens},
                 (int32_t[]){rows[k].length, cut[k]}, (bool[]){true, false}, rewards, NULL);
    assert_true(rewards[0] > 1);
    if (k == 0) memcpy(wanted, rewards, sizeof wanted);
    assert_true(rewards[0] == wanted[0] && rewards[1] == wanted[1]);
    assert_int_equal(reward_check(&reward), OK);
    reward_free(&reward);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rewards_equal_goldens),
      cmocka_unit_test(unit_frequencies_equal_goldens),
      cmocka_unit_test(unfinished_captions_earn_less),
      cmocka_unit_test(penalties_are_as_defined),
      cmocka_unit_test(pieces_earn_as_their_words),
      cmocka_unit_test(meteor_equals_goldens),
      cmocka_unit_test(references_that_do_not_fit_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
