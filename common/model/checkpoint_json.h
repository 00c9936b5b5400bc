/* What a checkpoint says of itself besides its numbers, as texts: the metadata of an exported file. Keys: "troupe" (JSON: stage,
 * counters, shape, hashes, vocabulary) and "troupe.config" (the resolved YAML). */
#ifndef TROUPE_MODEL_CHECKPOINT_JSON_H
#define TROUPE_MODEL_CHECKPOINT_JSON_H

#include <jansson.h>

#include "common/model/checkpoint.h"

/* A new object of texts. */
json_t *checkpoint_metadata(const Checkpoint *checkpoint);

/* The other way round: fills all but the blocks of weights. `about` and `config` may be NULL: not there. The caller frees the
 * checkpoint in any case. Errors: BAD_INPUT naming `path` and what is missing or cannot be. */
Status checkpoint_from_metadata(Checkpoint *checkpoint, const char *path, const char *about, const char *config);

#endif
