/* Captions of many pictures of a dataset by one policy, greedy, by beam search or sampled in groups, and their scores:
 * what `troupe evaluate` and stage 1's evaluation do. Chunks of pictures are shared by OpenMP threads; the result does not
 * depend on how many. */
#ifndef TROUPE_MODEL_CAPTION_SPLIT_H
#define TROUPE_MODEL_CAPTION_SPLIT_H

#include "common/base/status.h"
#include "common/data/dataset.h"
#include "common/model/decode.h"
#include "common/model/params.h"
#include "common/score/evaluate.h"

typedef struct CaptionSplitOptions {
  int max_length;
  int samples; /* G samples of each picture; 0: one caption, searched for */
  BeamOptions search;
  SampleOptions sampling; /* iteration 0, keyed by the dataset's index of the picture */
  int chunk_images;       /* pictures decoded together */
  int progress;           /* draw a bar */
} CaptionSplitOptions;

/* texts [count, max(G, 1)], image-major, owned by the caller as is each. Errors: the dataset's. On failure nothing is
 * owned. */
Status caption_split(Dataset *dataset, const ParamTable *table, const float *weights, const int32_t *images, int count,
                     const CaptionSplitOptions *options, char **texts);

/* The document frequencies that the dataset holds, those of its training split: borrowed from it. Errors: BAD_INPUT. */
Status caption_split_frequencies(const Dataset *dataset, NgramDf *df);

/* Scores captions [count, group] of those pictures against their references; of groups their diversity, too. CIDEr counts
 * documents as `df` does (a caption's score is then the same whichever pictures it stands among), or, where it is NULL, over
 * these pictures, as the COCO evaluation does. The caller frees `scores`. */
void caption_split_score_by(const NgramDf *df, const Dataset *dataset, const int32_t *images, int count, int group,
                            char *const *texts, EvaluationScores *scores);
/* As the COCO evaluation does. */
void caption_split_score(const Dataset *dataset, const int32_t *images, int count, int group, char *const *texts,
                         EvaluationScores *scores);

/* Mean number of words of captions [count]. */
double caption_split_words(char *const *texts, int count);

/* The first `limit` (0 = all) pictures of a split. Owned by the caller. */
Status caption_split_images(const Dataset *dataset, const char *split, int limit, int32_t **images, int *count);

#endif
