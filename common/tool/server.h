/* Server: the ompi-server by which Open MPI 4.1 brings processes of two mpiruns together. */
#ifndef TROUPE_TOOL_SERVER_H
#define TROUPE_TOOL_SERVER_H

#include <sys/types.h>

#include "common/base/status.h"

/* Starts one, which ends with this process at the latest, and waits until `file` has its address. The folder is there. Errors:
 * BAD_INPUT it is not on PATH; FAILED it does not start. */
Status server_start(const char *file, pid_t *server);

/* Ends it and takes its file away. */
void server_stop(pid_t server, const char *file);

#endif
