/* Seal: a hash of all of a file in its last bytes, so that damage is found before anything is made of the content. What reads only
 * what its own header tells of (HDF5) does not see it. */
#ifndef TROUPE_BASE_SEAL_H
#define TROUPE_BASE_SEAL_H

#include "common/base/status.h"

/* Appends it to a file that is complete; `shown` names it in errors. Errors: FAILED it cannot be read or written. */
Status seal_add(const char *path, const char *shown);

/* OK for a file that fits its seal or has none. Errors: BAD_INPUT it is damaged; FAILED it cannot be read. */
Status seal_check(const char *path);

#endif
