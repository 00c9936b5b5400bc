/* Protocol buffers: the examples of their documentation, numbers at the ends of their ranges, messages in messages. */
#include "common/base/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define IS(message, ...)                                          \
  do {                                                            \
    const unsigned char expected[] = {__VA_ARGS__};               \
    assert_int_equal((message).size, sizeof expected);            \
    assert_memory_equal((message).at, expected, sizeof expected); \
    protobuf_free(&(message));                                    \
  } while (0)

static void fields(void **state) {
  (void)state;
  Protobuf message = {0};
  protobuf_integer(&message, 1, 150);
  IS(message, 0x08, 0x96, 0x01);
  protobuf_text(&message, 2, "testing");
  IS(message, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g');
  protobuf_float(&message, 20, 1);
  IS(message, 0xa5, 0x01, 0, 0, 0x80, 0x3f);
  protobuf_double(&message, 1, -2);
  IS(message, 0x09, 0, 0, 0, 0, 0, 0, 0, 0xc0);
  protobuf_integer(&message, 1, 0);
  protobuf_integer(&message, 1, 127);
  protobuf_integer(&message, 1, 128);
  IS(message, 0x08, 0, 0x08, 0x7f, 0x08, 0x80, 0x01);
  protobuf_integer(&message, 1, -1);
  IS(message, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

static void messages(void **state) {
  (void)state;
  Protobuf message = {0}, part = {0}, empty = {0};
  protobuf_integer(&part, 1, 150);
  protobuf_message(&message, 3, &part);
  assert_true(part.size == 0 && !part.at);
  protobuf_message(&message, 4, &empty);
  IS(message, 0x1a, 0x03, 0x08, 0x96, 0x01, 0x22, 0x00);
  protobuf_free(&message);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields),
      cmocka_unit_test(messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
