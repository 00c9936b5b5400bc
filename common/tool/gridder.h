/* Gridder: encodes many pictures on several threads, or takes features that are ready, and streams their
 * grids into a dataset in the pictures' order, whatever thread made them. Pictures that cannot be read are noted, and the work goes on. */
#ifndef TROUPE_TOOL_GRIDDER_H
#define TROUPE_TOOL_GRIDDER_H

#include <stdbool.h>

#include "common/data/dataset_part.h"
#include "common/data/features.h"
#include "common/tool/corpus.h"
#include "common/vision/encoder.h"

typedef struct Gridder {
  const Encoder *encoder; /* borrowed, with the folder of the pictures */
  const char *folder;
  FeatureSource *source; /* in place of an encoder; borrowed */
  const char *name;      /* of the encoder, for the progress; borrowed */
  int cells, features;   /* N, F; of a source set by gridder_run */
  int32_t *cells_of;     /* [corpus->count]: of a source's pictures; owned */
  int threads;
  bool *keep;   /* [corpus->count]: the picture was read; owned */
  char **fault; /* [corpus->count]: why not, NULL where it was and for mirrored pictures; owned */
  int broken;
  DatasetPart *part; /* of work that was stopped earlier, or NULL; borrowed */
  int done;          /* pictures looked at, less than all when stopped */
  bool stopped;      /* before the end, by stop_wanted */
  double seconds;
} Gridder;

/* Before gridder_run: N (the largest) and F of what will come. A source's pictures are all looked at; those that are missing
 * or of another F are faults. */
Status gridder_survey(Gridder *gridder, const Corpus *corpus);
/* Encodes all pictures of the corpus; `writer` gets those that could be read. With `writer` NULL nothing is kept. Stops between
 * blocks of pictures when stop_wanted. */
Status gridder_run(Gridder *gridder, const Corpus *corpus, DatasetWriter *writer);
void gridder_free(Gridder *gridder, const Corpus *corpus);

#endif
