/* Keys, counts and document frequencies. */
#include "common/score/ngram.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/score/golden.h"

static void key_is_the_documented_formula(void **state) {
  (void)state;
  uint64_t words[2] = {ngram_word("a", 1), ngram_word("dog", 3)}, key = 0x9E3779B97F4A7C15u;
  assert_true(words[0] == 0xe6c632b61e964e1fu); /* XXH3-64 of "a" */
  for (int i = 0; i < 2; i++) {
    key = (key ^ words[i]) * 0xD6E8FEB86659FD93u;
    key ^= key >> 32;
  }
  assert_true(ngram_key(words, 2) == key);
  assert_true(ngram_key(words, 1) != ngram_key(words + 1, 1));
  assert_true(ngram_end_word() == ngram_word("<eos>", 5));
}

static void counts_are_right(void **state) {
  (void)state;
  uint64_t *words = NULL;
  size_t used = 0, room = 0;
  assert_int_equal(ngram_words_append("  a dog a  dog\ta ", true, &words, &used, &room), 6);
  assert_true(words[5] == ngram_end_word());
  NgramCounts counts;
  ngram_counts_init(&counts);
  ngram_counts_add(&counts, (WordSpan){words, 5});
  /* a dog | a-dog dog-a | a-dog-a dog-a-dog | a-dog-a-dog dog-a-dog-a */
  assert_int_equal(counts.used, 8);
  assert_int_equal(counts.entries[ngram_counts_find(&counts, ngram_key(words, 1))].count, 3);
  assert_int_equal(counts.entries[ngram_counts_find(&counts, ngram_key(words, 2))].count, 2);
  assert_int_equal(counts.entries[ngram_counts_find(&counts, ngram_key(words, 4))].order, 4);
  assert_int_equal(ngram_counts_find(&counts, ngram_end_word()), -1);
  ngram_counts_clear(&counts);
  for (uint64_t i = 1; i <= 5000; i++) ngram_counts_entry(&counts, i * 64, 1)->count = (int32_t)i;
  assert_int_equal(counts.used, 5000);
  for (uint64_t i = 1; i <= 5000; i++) assert_int_equal(counts.entries[ngram_counts_find(&counts, i * 64)].count, i);
  ngram_counts_free(&counts);
  ngram_counts_free(&counts);
  free(words);
}

static void document_frequencies_survive_a_file(void **state) {
  (void)state;
  NgramDf df, again;
  NgramCounts scratch;
  ngram_df_init(&df);
  ngram_df_init(&again);
  ngram_counts_init(&scratch);
  uint64_t words[64];
  for (int document = 0; document < 200; document++) {
    for (int i = 0; i < 64; i++) words[i] = ngram_word((const char *)&(int){(i * i + document) % 97}, sizeof(int));
    words[0] = ngram_word("all", 3);
    WordSpan references[3] = {{words, 20}, {words, 5}, {words + 20, 44}};
    ngram_df_add(&df, references, 3, &scratch);
  }
  assert_int_equal(df.documents, 200);
  assert_int_equal(ngram_df_find(&df, ngram_key(words, 1)), 200); /* once a document, though two references have it */
  assert_int_equal(ngram_df_find(&df, ngram_key((uint64_t[]){1, 2}, 2)), 0);
  uint64_t *keys = malloc(df.used * sizeof *keys);
  float *counts = malloc(df.used * sizeof *counts);
  ngram_df_export(&df, keys, counts);
  assert_int_equal(ngram_df_import(&again, keys, counts, df.used, 200), OK);
  assert_int_equal(again.used, df.used);
  for (size_t i = 0; i < df.used; i++) {
    assert_int_equal(ngram_df_find(&again, keys[i]), ngram_df_find(&df, keys[i]));
    assert_int_equal(ngram_df_find(&again, keys[i] + 1), ngram_df_find(&df, keys[i] + 1));
  }
  assert_int_equal(ngram_df_find(&again, 1), 0);
  assert_int_equal(ngram_df_find(&again, UINT64_MAX), 0);
  NgramDf few;
  ngram_df_init(&few);
  for (size_t count = 0; count < 4; count++) {
    assert_int_equal(ngram_df_import(&few, keys, counts, count, 200), OK);
    for (size_t i = 0; i < 4; i++) assert_int_equal(ngram_df_find(&few, keys[i]), i < count ? (int)counts[i] : 0);
  }
  ngram_df_free(&few);

  counts[3] = 201;
  assert_int_equal(ngram_df_import(&again, keys, counts, df.used, 200), BAD_INPUT);
  assert_non_null(strstr(status_message(), "ngram/df[3]"));
  counts[3] = NAN;
  assert_int_equal(ngram_df_import(&again, keys, counts, df.used, 200), BAD_INPUT);
  counts[3] = 1;
  keys[5] = keys[4];
  assert_int_equal(ngram_df_import(&again, keys, counts, df.used, 200), BAD_INPUT);
  assert_non_null(strstr(status_message(), "ngram/key[5]"));
  free(keys);
  free(counts);
  ngram_df_free(&df);
  ngram_df_free(&again);
  ngram_df_free(&again);
  ngram_counts_free(&scratch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(key_is_the_documented_formula),
      cmocka_unit_test(counts_are_right),
      cmocka_unit_test(document_frequencies_survive_a_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
