/* Gridder: encodes many pictures on several threads and streams their grids into a dataset in the pictures' order, whatever
 * thread made them. Pictures that cannot be read are noted, and the work goes on. */
#ifndef TROUPE_TOOL_GRIDDER_H
#define TROUPE_TOOL_GRIDDER_H

#include <stdbool.h>

#include "common/data/dataset_write.h"
#include "common/tool/corpus.h"
#include "common/vision/encoder.h"

typedef struct Gridder {
  const Encoder *encoder; /* borrowed */
  const char *folder;     /* of the pictures; borrowed */
  int threads;
  bool *keep;   /* [corpus->count]: the picture was read; owned */
  char **fault; /* [corpus->count]: why not, NULL where it was and for mirrored pictures; owned */
  int broken;
  double seconds;
} Gridder;

/* Encodes all pictures of the corpus; `writer` gets those that could be read. With `writer` NULL nothing is kept. */
Status gridder_run(Gridder *gridder, const Corpus *corpus, DatasetWriter *writer);
void gridder_free(Gridder *gridder, const Corpus *corpus);

#endif
