/* Report look: captions of some pictures by one policy, and where it looked at each word. */
#ifndef TROUPE_TOOL_REPORT_LOOK_H
#define TROUPE_TOOL_REPORT_LOOK_H

#include <jansson.h>

#include "common/config/config.h"
#include "common/data/dataset.h"
#include "common/model/params.h"

/* A new array, for each picture [count] {text, cider, words, side, attention}: decoded as evaluations of this configuration do;
 * cider: CIDEr-D by the training split's document frequencies, so that equal captions of a picture score the same in all runs;
 * attention: base64 of a byte a word and cell [words, side, side], each word's largest 255; words, side and attention are left out
 * where the grid is not square. Errors: the dataset's. */
Status report_look(Dataset *dataset, const ParamTable *table, const float *weights, const Config *config,
                   const int32_t *images, int count, json_t **captions);

#endif
