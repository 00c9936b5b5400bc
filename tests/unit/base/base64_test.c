/* Base64: the vectors of RFC 4648, and bytes of all values. */
#include "common/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void equals_the_rfc(void **state) {
  (void)state;
  static const char *const rows[][2] = {{"", ""},
                                        {"f", "Zg=="},
                                        {"fo", "Zm8="},
                                        {"foo", "Zm9v"},
                                        {"foob", "Zm9vYg=="},
                                        {"fooba", "Zm9vYmE="},
                                        {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *text = base64_text("", rows[i][0], strlen(rows[i][0]));
    assert_string_equal(text, rows[i][1]);
    free(text);
  }
  char *text = base64_text("data:,", "\xff\xfe\x00", 3);
  assert_string_equal(text, "data:,//4A");
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(equals_the_rfc)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
