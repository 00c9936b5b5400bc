/* Why: a picture of where the policy looked at each word of a caption, as SVG: the picture once a word, under a heat map. One
 * file without network that any browser shows. */
#ifndef TROUPE_ACTOR_WHY_H
#define TROUPE_ACTOR_WHY_H

#include "common/base/status.h"
#include "common/model/decode.h"
#include "common/model/look.h"

/* Writes `path`: a row of pictures for each caption of `set` for the picture `image`, whose grid is `features`. Errors: as
 * thumbnail_make and file_write_atomic. The grid must be square (look->side). */
Status why_write(const char *path, const char *image, Look *look, const float *features, const CaptionSet *set);

#endif
