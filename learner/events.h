/* Events: an iteration's metrics for TensorBoard, as its event files have them: TFRecords (length, masked CRC-32C of it, data,
 * masked CRC-32C of those) of Event protocol buffers (tensorflow/core/util/event.proto: wall_time 1, step 2, file_version 3,
 * summary 5, session_log 7). */
#ifndef TROUPE_LEARNER_EVENTS_H
#define TROUPE_LEARNER_EVENTS_H

#include <stdint.h>

#include "common/base/json.h"

/* The file of a run that starts (or resumes) now, in `folder`, not created yet; owned by the caller. */
char *events_path(const char *folder);

/* Appends the line's numbers as scalars under their names, at the step that its "iteration" says. A file that is not there
 * begins with the format's version and the start of a session at this step, which makes TensorBoard drop what an earlier file
 * of the folder says of later steps. Errors: it cannot be written. */
Status events_append(const char *path, const json_t *line);

#endif
