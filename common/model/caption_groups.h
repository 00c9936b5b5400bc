/* Sampled groups: G captions of each of many pictures of a dataset by one policy, and their scores with the diversity within
 * each group: what `troupe evaluate --samples` does. Chunks of pictures are shared by OpenMP threads; the result does not
 * depend on how many. */
#ifndef TROUPE_MODEL_CAPTION_GROUPS_H
#define TROUPE_MODEL_CAPTION_GROUPS_H

#include "common/base/status.h"
#include "common/data/dataset.h"
#include "common/model/decode.h"
#include "common/score/evaluate.h"

typedef struct CaptionGroupsOptions {
  int group, max_length;  /* G; tokens */
  SampleOptions sampling; /* iteration 0, keyed by the dataset's index of the picture */
  int progress;           /* draw a bar */
} CaptionGroupsOptions;

/* texts [count, G], image-major, owned by the caller as is each. Errors: the dataset's. On failure nothing is owned. */
Status caption_groups(Dataset *dataset, const ParamTable *table, const float *weights, const int32_t *images, int count,
                      const CaptionGroupsOptions *options, char **texts);

/* Scores texts [count, group] against the pictures' references. The caller frees `scores`. */
void caption_groups_score(const Dataset *dataset, const int32_t *images, int count, int group, char *const *texts,
                          EvaluationScores *scores);

#endif
