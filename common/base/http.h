/* HTTP: the head of a GET request, as a server for this machine's own browser takes it (RFC 9112). */
#ifndef TROUPE_BASE_HTTP_H
#define TROUPE_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 8192, HTTP_PATH_MAX = 128 };

typedef struct HttpRequest {
  int status;               /* 200, or the code to answer with: 400, 403, 405, 414, 431, 505 */
  char path[HTTP_PATH_MAX]; /* of status 200: begins with '/', printable ASCII, without the query */
} HttpRequest;

/* False: more bytes are to come. True: `request` is filled. The Host must be this machine's own name (403 for any other: a page
 * from elsewhere whose name was made to lead here may not read what is served). */
bool http_parse(const char *bytes, size_t size, HttpRequest *request);

/* "Not Found" of 404; "" of codes that are not used here. */
const char *http_reason(int status);

#endif
