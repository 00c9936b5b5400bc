/* Run data: opened and checked. */
#include "learner/run_data.h"

#include <stdlib.h>

#include "common/model/caption_split.h"
#include "common/model/policy.h"

Status run_data_open(RunData *data, const Config *config, const char *option, int images) {
  *data = (RunData){0};
  TRY(dataset_open(&data->dataset, config->data.file, false));
  TRY(policy_fits_splits(config, &data->dataset, option, images));
  TRY(caption_split_images(&data->dataset, config->data.train, 0, &data->train, &data->train_count));
  if (!config->evaluation.every) return OK;
  return caption_split_images(&data->dataset, config->data.validation, config->evaluation.images, &data->validation,
                              &data->validation_count);
}

void run_data_close(RunData *data) {
  dataset_close(&data->dataset);
  free(data->train);
  free(data->validation);
  *data = (RunData){0};
}
