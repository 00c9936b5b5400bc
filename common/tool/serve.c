/* One thread, some connections: none can hold up the others by being slow. Each is closed after its answer. */
#include "common/tool/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/http.h"

enum { CONNECTIONS = 32, LOOK_MS = 300 };
#define PATIENCE_S 10.0
#define FAREWELL_S 1.0

typedef struct Connection {
  int socket; /* -1: free */
  double until;
  char head[HTTP_HEAD_MAX];
  size_t read;
  char *answer; /* owned; NULL: the request is not whole yet */
  size_t size, sent;
  bool said; /* the answer is out; what the client still says is read away, or the answer might be lost */
} Connection;

Status serve_open(Server *server, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  int one = 1;
  server->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (server->socket >= 0) setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (server->socket < 0 || bind(server->socket, (struct sockaddr *)&address, size) || listen(server->socket, 16) ||
      getsockname(server->socket, (struct sockaddr *)&address, &size)) {
    Status status = status_set(BAD_INPUT, "port %d of 127.0.0.1: %s; another one was expected (0: any that is free)",
                               port, strerror(errno));
    serve_close(server);
    return status;
  }
  server->port = ntohs(address.sin_port);
  return OK;
}

void serve_close(Server *server) {
  if (server->socket >= 0) close(server->socket);
  server->socket = -1;
}

static void connection_close(Connection *c) {
  if (c->socket >= 0) close(c->socket);
  free(c->answer);
  *c = (Connection){.socket = -1};
}

static void connection_take(Connection *connections, int listener) {
  for (int i = 0; i < CONNECTIONS; i++) {
    Connection *c = &connections[i];
    if (c->socket >= 0) continue;
    c->socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    c->until = clock_seconds() + PATIENCE_S;
    return;
  }
}

static void answer_make(Connection *c, int status, const char *type, const char *body, size_t size) {
  char head[512];
  int length = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n%sConnection: close\r\n\r\n",
                        status, http_reason(status), type, size, status == 405 ? "Allow: GET\r\n" : "");
  c->size = (size_t)length + size;
  c->answer = xmalloc(c->size);
  memcpy(c->answer, head, (size_t)length);
  memcpy(c->answer + length, body, size);
  c->until = clock_seconds() + PATIENCE_S;
}

static void answer_error(Connection *c, int status) {
  char text[128];
  int length = snprintf(text, sizeof text, "%d %s\n", status, http_reason(status));
  answer_make(c, status, "text/plain; charset=utf-8", text, (size_t)length);
}

static void request_answer(Connection *c, ServeContent *content, void *context) {
  HttpRequest request;
  if (!http_parse(c->head, c->read, &request)) return;
  if (request.status != 200) {
    answer_error(c, request.status);
    return;
  }
  const char *type = "text/plain; charset=utf-8";
  int status = 200;
  size_t size = 0;
  char *body = content(context, request.path, &status, &type, &size);
  if (body) answer_make(c, status, type, body, size);
  else answer_error(c, 404);
  free(body);
}

static void connection_read(Connection *c, ServeContent *content, void *context) {
  ssize_t n = recv(c->socket, c->head + c->read, sizeof c->head - c->read, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {
    connection_close(c);
    return;
  }
  c->read += (size_t)n;
  request_answer(c, content, context);
}

static void connection_write(Connection *c) {
  ssize_t n = send(c->socket, c->answer + c->sent, c->size - c->sent, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) c->sent += (size_t)n, c->until = clock_seconds() + PATIENCE_S;
  if (n > 0 && c->sent < c->size) return;
  c->said = n > 0;
  shutdown(c->socket, SHUT_WR);
  c->until = clock_seconds() + FAREWELL_S;
  if (n <= 0) connection_close(c);
}

static void connection_drain(Connection *c) {
  ssize_t n = recv(c->socket, c->head, sizeof c->head, 0);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) connection_close(c);
}

static void connection_serve(Connection *c, int events, ServeContent *content, void *context) {
  if (events && c->said) connection_drain(c);
  else if (events && !c->answer) connection_read(c, content, context);
  else if (events) connection_write(c);
  if (c->socket < 0 || clock_seconds() < c->until) return;
  connection_close(c); /* idle connections that browsers open in advance, and slow ones */
}

void serve_run(Server *server, ServeContent *content, void *context, bool (*stop)(void)) {
  Connection *connections = xcalloc(CONNECTIONS, sizeof *connections);
  for (int i = 0; i < CONNECTIONS; i++) connections[i].socket = -1;
  while (!stop()) {
    struct pollfd wait[CONNECTIONS + 1];
    int open = 0;
    for (int i = 0; i < CONNECTIONS; i++) { /* poll passes over sockets of -1 */
      wait[i] = (struct pollfd){.fd = connections[i].socket,
                                .events = connections[i].answer && !connections[i].said ? POLLOUT : POLLIN};
      open += connections[i].socket >= 0;
    }
    wait[CONNECTIONS] = (struct pollfd){.fd = open < CONNECTIONS ? server->socket : -1, .events = POLLIN};
    if (poll(wait, CONNECTIONS + 1, LOOK_MS) < 0) continue;
    for (int i = 0; i < CONNECTIONS; i++)
      if (connections[i].socket >= 0) connection_serve(&connections[i], wait[i].revents, content, context);
    if (wait[CONNECTIONS].revents) connection_take(connections, server->socket);
  }
  for (int i = 0; i < CONNECTIONS; i++) connection_close(&connections[i]);
  free(connections);
}
