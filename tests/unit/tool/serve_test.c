/* Serve: answers of a server in a child process, to requests in pieces, bad ones, several at a time, and large answers. */
#include "common/tool/serve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { LARGE = 4 << 20 };

static Server server;
static pid_t child;

static bool never(void) { return false; }

static char *content(void *context, const char *path, int *status, const char **type, size_t *size) {
  (void)context;
  if (strcmp(path, "/broken") == 0) *status = 500;
  else if (strcmp(path, "/") != 0 && strcmp(path, "/large") != 0) return NULL;
  *type = "text/html";
  *size = strcmp(path, "/large") == 0 ? LARGE : 5;
  char *body = xcalloc(*size + 1, 1);
  memset(body, 'x', *size);
  return body;
}

static int start(void **state) {
  (void)state;
  if (serve_open(&server, 0) != OK) return -1;
  child = fork();
  if (child == 0) {
    serve_run(&server, content, NULL, never);
    _exit(0);
  }
  return child > 0 ? 0 : -1;
}

static int finish(void **state) {
  (void)state;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  serve_close(&server);
  serve_close(&server);
  return 0;
}

static int dial(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void say(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the end. */
static char *hear(int fd, size_t *size) {
  char *text = xcalloc(LARGE + 4096, 1);
  *size = 0;
  for (ssize_t n; (n = recv(fd, text + *size, LARGE + 4095 - *size, 0)) > 0;) *size += (size_t)n;
  close(fd);
  return text;
}

static void answers(const char *request, const char *wanted) {
  int fd = dial();
  size_t size;
  say(fd, request);
  char *text = hear(fd, &size);
  if (strncmp(text, wanted, strlen(wanted)) != 0) fail_msg("%s -> %s", request, text);
  free(text);
}

#define HOST "Host: localhost\r\n\r\n"

static void routes(void **state) {
  (void)state;
  answers("GET / HTTP/1.1\r\n" HOST, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n");
  answers("GET /../etc/passwd HTTP/1.1\r\n" HOST, "HTTP/1.1 404 Not Found\r\n");
  answers("GET /broken HTTP/1.1\r\n" HOST, "HTTP/1.1 500 Internal Server Error\r\n");
  answers("PUT / HTTP/1.1\r\n" HOST, "HTTP/1.1 405 Method Not Allowed\r\n");
  answers("GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n");
  answers("rubbish\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n");
}

static void slow_ones_hold_up_nobody(void **state) {
  (void)state;
  int idle = dial(), slow = dial();
  size_t size;
  say(slow, "GET / HT");
  answers("GET / HTTP/1.1\r\n" HOST, "HTTP/1.1 200");
  say(slow, "TP/1.1\r\n" HOST);
  char *text = hear(slow, &size);
  assert_int_equal(strncmp(text, "HTTP/1.1 200", 12), 0);
  free(text);
  close(idle);
  close(dial()); /* gone before it said anything */
  answers("GET / HTTP/1.1\r\n" HOST, "HTTP/1.1 200");
}

static void more_than_it_has_room_for(void **state) {
  (void)state;
  int many[48];
  for (int i = 0; i < 48; i++) many[i] = dial();
  for (int i = 0; i < 48; i++) close(many[i]);
  answers("GET / HTTP/1.1\r\n" HOST, "HTTP/1.1 200");
}

static void large_answers_are_whole(void **state) {
  (void)state;
  int fd = dial(), gone = dial();
  size_t size;
  say(gone, "GET /large HTTP/1.1\r\n" HOST);
  close(gone);
  say(fd, "GET /large HTTP/1.1\r\n" HOST);
  char *text = hear(fd, &size), *body = strstr(text, "\r\n\r\n");
  assert_non_null(body);
  assert_int_equal(size - (size_t)(body + 4 - text), LARGE);
  free(text);
}

static void a_taken_port_is_refused(void **state) {
  (void)state;
  Server other;
  assert_int_equal(serve_open(&other, server.port), BAD_INPUT);
  assert_non_null(strstr(status_message(), "127.0.0.1"));
  serve_close(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(routes), cmocka_unit_test(slow_ones_hold_up_nobody), cmocka_unit_test(more_than_it_has_room_for),
      cmocka_unit_test(large_answers_are_whole), cmocka_unit_test(a_taken_port_is_refused)};
  return cmocka_run_group_tests(tests, start, finish);
}
