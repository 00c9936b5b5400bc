/* Vocabulary: order, the least count, lookup, captions to ids and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/data/vocabulary.h"

static void order_and_count(void **state) {
  (void)state;
  WordCounts counts = {0};
  word_counts_add(&counts, "a dog and a cat", 1);
  word_counts_add(&counts, "a  bird <unk> <unk>", 2);
  word_counts_add(&counts, "", 9);
  Vocabulary v;
  vocabulary_build(&v, &counts, 2);
  static const char *const wanted[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "bird"};
  assert_int_equal(v.tokens.count, 6);
  for (int i = 0; i < 6; i++) assert_string_equal(v.tokens.text[i], wanted[i]);
  vocabulary_free(&v);
  vocabulary_build(&v, &counts, 1); /* equal counts: by bytes */
  assert_string_equal(v.tokens.text[6], "and");
  assert_string_equal(v.tokens.text[7], "cat");
  assert_string_equal(v.tokens.text[8], "dog");
  assert_int_equal(vocabulary_find(&v, "catalogue", 3), 7);
  assert_int_equal(vocabulary_find(&v, "catalogue", 9), WORD_UNKNOWN);
  assert_int_equal(vocabulary_find(&v, "<end>", 5), WORD_UNKNOWN);
  vocabulary_free(&v);
  vocabulary_free(&v);
  word_counts_free(&counts);
}

static void many_words(void **state) {
  (void)state;
  WordCounts counts = {0};
  char word[16];
  for (int i = 0; i < 20000; i++) {
    snprintf(word, sizeof word, "w%d", i);
    word_counts_add(&counts, word, 20000 - i);
  }
  Vocabulary v;
  vocabulary_build(&v, &counts, 5);
  assert_int_equal(v.tokens.count, 20000 - 4 + WORDS_SPECIAL);
  for (int i = 0; i < 20000; i++) {
    int n = snprintf(word, sizeof word, "w%d", i);
    assert_int_equal(vocabulary_find(&v, word, (size_t)n), i < 19996 ? i + WORDS_SPECIAL : WORD_UNKNOWN);
  }
  vocabulary_free(&v);
  word_counts_free(&counts);
}

static void encode_and_text(void **state) {
  (void)state;
  static char *token[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "dog"};
  Vocabulary v;
  vocabulary_init(&v, token, 6);
  int32_t ids[6];
  assert_int_equal(vocabulary_encode(&v, "a red dog", ids, 6), 4);
  static const int32_t wanted[] = {4, 3, 5, WORD_END, WORD_PAD, WORD_PAD};
  assert_memory_equal(ids, wanted, sizeof ids);
  char *text = vocabulary_text(VOCABULARY_WORDS, v.tokens.text, 6, ids, 6);
  assert_string_equal(text, "a <unk> dog");
  free(text);
  assert_int_equal(vocabulary_encode(&v, "a a dog", ids, 3), 3); /* cut: no end token */
  assert_int_equal(ids[2], 5);
  assert_int_equal(vocabulary_encode(&v, "a a dog dog", ids, 3), 3);
  assert_int_equal(vocabulary_encode(&v, "", ids, 3), 1);
  text = vocabulary_text(VOCABULARY_WORDS, v.tokens.text, 6, ids, 3);
  assert_string_equal(text, "");
  free(text);
  vocabulary_free(&v);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(order_and_count), cmocka_unit_test(many_words),
                                     cmocka_unit_test(encode_and_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
