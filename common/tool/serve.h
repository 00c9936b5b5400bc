/* Serve: a small HTTP server for a browser on this machine: it listens on the loopback alone and answers GET. */
#ifndef TROUPE_TOOL_SERVE_H
#define TROUPE_TOOL_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* What stands at `path`: its bytes (owned by the caller), `*type` (borrowed) and `*size`; NULL: nothing does. `*status` as
 * wished, 200 at first. */
typedef char *ServeContent(void *context, const char *path, int *status, const char **type, size_t *size);

typedef struct Server {
  int socket, port;
} Server;

/* Port 0: any that is free, told by server->port. Errors: BAD_INPUT the port is taken or not allowed. */
Status serve_open(Server *server, int port);
void serve_close(Server *server); /* idempotent */

/* Answers until `stop` says so, which is asked at least twice a second. */
void serve_run(Server *server, ServeContent *content, void *context, bool (*stop)(void));

#endif
