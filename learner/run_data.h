/* Run data: the dataset of a run of either stage, and the pictures of the splits that the configuration names. */
#ifndef TROUPE_LEARNER_RUN_DATA_H
#define TROUPE_LEARNER_RUN_DATA_H

#include "common/config/config.h"
#include "common/data/dataset.h"

typedef struct RunData {
  Dataset dataset;
  int32_t *train, *validation; /* dataset indices; owned. validation: NULL without evaluations */
  int train_count, validation_count;
} RunData;

/* `images`: pictures of the training split used at a time, by that option. Errors: BAD_INPUT no such file or split, or it is
 * too small. Call run_data_close in any case. */
Status run_data_open(RunData *data, const Config *config, const char *option, int images);
void run_data_close(RunData *data); /* idempotent */

#endif
