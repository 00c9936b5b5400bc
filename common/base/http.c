/* Requests. */
#include "common/base/http.h"

#include <string.h>
#include <strings.h>

/* Bytes up to the end of the head, 0 when it is not there yet. */
static size_t head_size(const char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] != '\n') continue;
    if (i + 1 < size && bytes[i + 1] == '\n') return i + 2;
    if (i + 2 < size && bytes[i + 1] == '\r' && bytes[i + 2] == '\n') return i + 3;
  }
  return 0;
}

typedef struct Span {
  const char *at;
  size_t size;
} Span;

static bool is(Span span, const char *text) {
  return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

/* The line at `*at`, which it moves on; its end is left out. */
static Span line_next(const char **at, const char *end) {
  const char *newline = memchr(*at, '\n', (size_t)(end - *at)), *stop = newline ? newline : end;
  Span line = {*at, (size_t)(stop - *at)};
  *at = newline ? newline + 1 : end;
  if (line.size && line.at[line.size - 1] == '\r') line.size--;
  return line;
}

/* What stands before the next blank; `line` keeps what is behind it. */
static Span word_next(Span *line) {
  const char *blank = memchr(line->at, ' ', line->size);
  Span word = {line->at, blank ? (size_t)(blank - line->at) : line->size};
  size_t taken = word.size + (blank != NULL);
  line->at += taken, line->size -= taken;
  return word;
}

/* 200, or what is wrong with METHOD TARGET VERSION. */
static int request_line(Span line, HttpRequest *request) {
  Span method = word_next(&line), target = word_next(&line);
  for (size_t i = 0; i < method.size; i++)
    if (method.at[i] < 'A' || method.at[i] > 'Z') return 400;
  if (!method.size || !target.size || line.size != 8 || memcmp(line.at, "HTTP/", 5) != 0) return 400;
  if (!is(line, "HTTP/1.1") && !is(line, "HTTP/1.0")) return 505;
  if (!is(method, "GET")) return 405;
  const char *query = memchr(target.at, '?', target.size);
  if (query) target.size = (size_t)(query - target.at);
  if (!target.size || target.at[0] != '/') return 400;
  if (target.size >= HTTP_PATH_MAX) return 414;
  for (size_t i = 0; i < target.size; i++)
    if (target.at[i] <= ' ' || target.at[i] > '~') return 400;
  memcpy(request->path, target.at, target.size);
  request->path[target.size] = 0;
  return 200;
}

/* localhost, 127.0.0.1 or [::1], with or without a port. */
static bool is_own_name(Span host) {
  static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]);
    if (host.size < length || strncasecmp(host.at, names[i], length) != 0) continue;
    if (host.size == length) return true;
    bool port = host.at[length] == ':' && host.size - length <= 6;
    for (size_t k = length + 1; k < host.size; k++) port = port && host.at[k] >= '0' && host.at[k] <= '9';
    if (port) return true;
  }
  return false;
}

/* 200 if there is one Host and it is ours. */
static int host_check(const char *at, const char *end) {
  int hosts = 0;
  bool own = true;
  while (at < end) {
    Span line = line_next(&at, end);
    if (!line.size) break;
    const char *colon = memchr(line.at, ':', line.size);
    if (!colon || colon == line.at) return 400;
    if (colon - line.at != 4 || strncasecmp(line.at, "host", 4) != 0) continue;
    Span value = {colon + 1, line.size - 5};
    while (value.size && (*value.at == ' ' || *value.at == '\t')) value.at++, value.size--;
    while (value.size && (value.at[value.size - 1] == ' ' || value.at[value.size - 1] == '\t')) value.size--;
    hosts++;
    own = own && is_own_name(value);
  }
  return hosts != 1 ? 400 : own ? 200 : 403;
}

bool http_parse(const char *bytes, size_t size, HttpRequest *request) {
  *request = (HttpRequest){.status = 400};
  size_t head = head_size(bytes, size < HTTP_HEAD_MAX ? size : HTTP_HEAD_MAX);
  if (!head && size < HTTP_HEAD_MAX) return false;
  const char *at = bytes, *end = bytes + head;
  if (!head) request->status = 431;
  else if (!memchr(bytes, 0, head)) request->status = request_line(line_next(&at, end), request);
  if (request->status == 200) request->status = host_check(at, end);
  return true;
}

const char *http_reason(int status) {
  static const struct {
    int status;
    const char *reason;
  } rows[] = {{200, "OK"},
              {400, "Bad Request"},
              {403, "Forbidden"},
              {404, "Not Found"},
              {405, "Method Not Allowed"},
              {408, "Request Timeout"},
              {414, "URI Too Long"},
              {431, "Request Header Fields Too Large"},
              {500, "Internal Server Error"},
              {505, "HTTP Version Not Supported"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].status == status) return rows[i].reason;
  return "";
}
