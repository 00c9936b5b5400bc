/* HTTP: requests of browsers, in any pieces, and what is refused with which code. */
#include "common/base/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: localhost:8000\r\n\r\n"

static HttpRequest parse(const char *text) {
  HttpRequest request;
  if (!http_parse(text, strlen(text), &request)) request.status = 0;
  return request;
}

static void takes_what_browsers_send(void **state) {
  (void)state;
  HttpRequest request = parse("GET /data.json?x=1 HTTP/1.1\r\nAccept: */*\r\nhOST:  127.0.0.1:8000 \r\n\r\n");
  assert_int_equal(request.status, 200);
  assert_string_equal(request.path, "/data.json");
  assert_int_equal(parse("GET / HTTP/1.0\nHost: [::1]\n\n").status, 200);
  assert_int_equal(parse("GET / HTTP/1.1\r\nHost: LocalHost\r\n\r\nbehind the head").status, 200);
}

static void waits_for_the_whole_head(void **state) {
  (void)state;
  static const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  HttpRequest request;
  for (size_t size = 0; size < sizeof text - 1; size++) assert_false(http_parse(text, size, &request));
  assert_true(http_parse(text, sizeof text - 1, &request));
}

static void refuses(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *text;
  } rows[] = {
      {400, "\r\n\r\n"},
      {400, "GET /\r\n" HOST},
      {400, "GET  / HTTP/1.1\r\n" HOST},
      {400, "get / HTTP/1.1\r\n" HOST},
      {400, "GET x HTTP/1.1\r\n" HOST},
      {400, "GET http://localhost/ HTTP/1.1\r\n" HOST},
      {400, "GET /\x80 HTTP/1.1\r\n" HOST},
      {400, "GET /a b HTTP/1.1\r\n" HOST},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nno colon\r\n" HOST},
      {403, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
      {403, "GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n"},
      {403, "GET / HTTP/1.1\r\nHost: localhost:80x\r\n\r\n"},
      {403, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {405, "POST / HTTP/1.1\r\n" HOST},
      {505, "GET / HTTP/2.0\r\n" HOST},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (parse(rows[i].text).status != rows[i].status)
      fail_msg("%d, not %d: %s", parse(rows[i].text).status, rows[i].status, rows[i].text);
  HttpRequest request;
  assert_true(http_parse("GET /\0 HTTP/1.1\r\n" HOST, 18 + sizeof HOST - 1, &request));
  assert_int_equal(request.status, 400);
}

static void refuses_what_is_too_long(void **state) {
  (void)state;
  static char text[2 * HTTP_HEAD_MAX];
  HttpRequest request;
  snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\n" HOST, HTTP_PATH_MAX, 0);
  assert_int_equal(parse(text).status, 414);
  memset(text, 'x', sizeof text);
  assert_true(http_parse(text, sizeof text, &request));
  assert_int_equal(request.status, 431);
  assert_string_equal(http_reason(431), "Request Header Fields Too Large");
  assert_string_equal(http_reason(299), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(takes_what_browsers_send),
                                     cmocka_unit_test(waits_for_the_whole_head), cmocka_unit_test(refuses),
                                     cmocka_unit_test(refuses_what_is_too_long)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
