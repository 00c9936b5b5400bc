/* Captions of mirrored pictures: whole words change places, in their case; nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/data/captions.h"

static void assert_mirrored(const char *text, const char *expected) {
  char *mirrored = caption_mirrored(text), *back = caption_mirrored(mirrored);
  assert_string_equal(mirrored, expected);
  assert_string_equal(back, text);
  free(mirrored);
  free(back);
}

static void words_change_places(void **state) {
  (void)state;
  assert_mirrored("a dog to the left of a cat on the right .", "a dog to the right of a cat on the left .");
  assert_mirrored("Left, RIGHT; Right LEFT", "Right, LEFT; Left RIGHT");
  assert_mirrored("a left-handed man's left/right", "a right-handed man's right/left");
  assert_mirrored("left left left left left left left left", "right right right right right right right right");
  assert_mirrored("left", "right");
}

static void other_words_stay(void **state) {
  (void)state;
  assert_mirrored("", "");
  assert_mirrored("a bright cleft leftover righteous upright left1 \xc3\xa9left",
                  "a bright cleft leftover righteous upright left1 \xc3\xa9left");
  assert_mirrored("  two   dogs  ", "  two   dogs  ");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words_change_places), cmocka_unit_test(other_words_stay)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
