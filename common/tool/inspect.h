/* What `troupe inspect` tells of a file, as one JSON object that is printed as JSON or as text. */
#ifndef TROUPE_TOOL_INSPECT_H
#define TROUPE_TOOL_INSPECT_H

#include <jansson.h>

#include "common/base/status.h"

/* Reads and verifies `path` and adds what it holds to `facts`. FAILED: a hash does not fit; BAD_INPUT: not ours. */
Status inspect_dataset(const char *path, json_t *facts);
Status inspect_checkpoint(const char *path, json_t *facts);
/* A run folder, with all of its checkpoints. */
Status inspect_run(const char *path, json_t *facts);

#endif
