/* The tokeniser against the COCO caption evaluation's, and against bytes that are no caption. */
#include "common/score/ptb.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/unit/score/golden.h"

static void words_equal(const char *path, size_t least) {
  json_t *root = golden_load(path), *caption;
  PtbTokenizer ptb;
  ptb_init(&ptb);
  size_t i;
  json_array_foreach(json_object_get(root, "captions"), i, caption) {
    const char *raw = json_string_value(json_array_get(caption, 0));
    ptb_tokenize(&ptb, raw, strlen(raw));
    assert_string_equal(ptb_joined(&ptb), json_string_value(json_array_get(caption, 1)));
  }
  assert_true(i >= least);
  ptb_free(&ptb);
  ptb_free(&ptb);
  json_decref(root);
}

static void words_equal_goldens(void **state) {
  (void)state;
  words_equal("tests/golden/score/ptb.json", 150);
}

static void words_of_hard_strings_equal_goldens(void **state) {
  (void)state;
  words_equal("tests/golden/score/hard_strings.json", 2000);
}

static void words_are_separate(void **state) {
  (void)state;
  PtbTokenizer ptb;
  ptb_init(&ptb);
  assert_int_equal(ptb_tokenize(&ptb, "A dog's\nball.", 13), 4);
  assert_string_equal(ptb_word(&ptb, 0), "a");
  assert_string_equal(ptb_word(&ptb, 1), "dog");
  assert_string_equal(ptb_word(&ptb, 2), "'s");
  assert_string_equal(ptb_word(&ptb, 3), "ball");
  assert_int_equal(ptb_tokenize(&ptb, "", 0), 0);
  assert_string_equal(ptb_joined(&ptb), "");
  assert_int_equal(ptb_tokenize(&ptb, "a\0b", 3), 2);
  ptb_free(&ptb);
}

/* Any bytes give words that are not empty, hold no space and fit the buffer. */
static void any_bytes_are_accepted(void **state) {
  (void)state;
  PtbTokenizer ptb;
  ptb_init(&ptb);
  char text[256];
  for (uint32_t trial = 0; trial < 20000; trial++) {
    RngKey key = {.seed = 1, .stage = RNG_TEST, .image = trial};
    size_t size = rng_below(&key, sizeof text + 1);
    for (size_t i = 0; i < size; i++) {
      static const char LIKELY[] = "aAnNtTsS'.,-:/0123&<> \xE2\x80\x99\xC3\xA9(@#$";
      key.position = (uint32_t)i + 1;
      uint32_t draw = rng_below(&key, 1 << 16);
      text[i] = trial & 1 ? (char)draw : LIKELY[draw % (sizeof LIKELY - 1)];
    }
    int count = ptb_tokenize(&ptb, text, size);
    assert_int_equal(count, ptb.count);
    for (int w = 0; w < count; w++) {
      assert_true(strlen(ptb_word(&ptb, w)) > 0);
      assert_null(strchr(ptb_word(&ptb, w), ' '));
    }
  }
  size_t large = 1 << 20;
  char *long_caption = malloc(large);
  assert_non_null(long_caption);
  memset(long_caption, 'a', large);
  assert_int_equal(ptb_tokenize(&ptb, long_caption, large), large / 1025 + 1); /* cut at each 1025th byte */
  for (size_t i = 0; i < large; i += 2) long_caption[i] = ' ';
  assert_int_equal(ptb_tokenize(&ptb, long_caption, large), large / 2);
  for (size_t i = 0; i < large; i++) long_caption[i] = "a,b%"[i % 4];
  assert_true(ptb_tokenize(&ptb, long_caption, large) > 1000); /* and that in linear time */
  free(long_caption);
  ptb_free(&ptb);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_equal_goldens),
      cmocka_unit_test(words_of_hard_strings_equal_goldens),
      cmocka_unit_test(words_are_separate),
      cmocka_unit_test(any_bytes_are_accepted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
