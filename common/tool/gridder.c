/* Encodes pictures in blocks: a parallel loop over a block, then its grids are written in order. */
#include "common/tool/gridder.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/progress.h"

enum { BLOCK_A_THREAD = 8 };

/* One picture on the calling thread. */
static void encode_one(Gridder *gridder, const Corpus *corpus, int image, EncoderScratch *scratch, float *grid) {
  char *path = path_join(gridder->folder, corpus->images[image].file);
  encoder_scratch_mirror(scratch, corpus->images[image].mirrored);
  Status status = file_exists(path) ? encoder_encode_file(gridder->encoder, scratch, path, grid)
                                    : status_set(BAD_INPUT, "%s: no such file", path);
  gridder->keep[image] = status == OK;
  if (status != OK && !corpus->images[image].mirrored) gridder->fault[image] = xstrdup(status_message());
  free(path);
}

static Status block_write(Gridder *gridder, DatasetWriter *writer, int first, int count, const float *grids,
                          size_t grid) {
  for (int i = 0; i < count; i++) {
    if (!gridder->keep[first + i]) gridder->broken += gridder->fault[first + i] != NULL;
    else if (writer) TRY(dataset_write_features(writer, 1, grids + (size_t)i * grid));
  }
  return OK;
}

Status gridder_run(Gridder *gridder, const Corpus *corpus, DatasetWriter *writer) {
  int threads = gridder->threads, block = threads * BLOCK_A_THREAD;
  size_t grid = (size_t)encoder_cells(gridder->encoder) * (size_t)encoder_features(gridder->encoder);
  float *grids = xmalloc((size_t)block * grid * sizeof *grids);
  EncoderScratch **scratch = xcalloc((size_t)threads, sizeof *scratch);
  for (int t = 0; t < threads; t++) scratch[t] = encoder_scratch_new(gridder->encoder);
  gridder->keep = xcalloc((size_t)corpus->count + 1, sizeof *gridder->keep);
  gridder->fault = xcalloc((size_t)corpus->count + 1, sizeof *gridder->fault);
  double began = clock_seconds();
  Progress progress;
  progress_begin(&progress, encoder_name(gridder->encoder), "pictures", corpus->count, 0);
  Status status = OK;
  int first = 0;
  for (; first < corpus->count && status == OK; first += block) {
    int count = corpus->count - first < block ? corpus->count - first : block;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int i = 0; i < count; i++)
      encode_one(gridder, corpus, first + i, scratch[omp_get_thread_num()], grids + (size_t)i * grid);
    status = block_write(gridder, writer, first, count, grids, grid);
    char note[48];
    snprintf(note, sizeof note, "%d unreadable", gridder->broken);
    progress_update(&progress, first + count, gridder->broken ? note : NULL);
  }
  progress_end(&progress, first < corpus->count ? first : corpus->count);
  gridder->seconds = clock_seconds() - began;
  for (int t = 0; t < threads; t++) encoder_scratch_free(scratch[t]);
  free(scratch);
  free(grids);
  return status;
}

void gridder_free(Gridder *gridder, const Corpus *corpus) {
  for (int i = 0; gridder->fault && i < corpus->count; i++) free(gridder->fault[i]);
  free(gridder->fault);
  free(gridder->keep);
  gridder->fault = NULL;
  gridder->keep = NULL;
}
