/* Encodes pictures in blocks: a parallel loop over a block, then its grids are written in order. */
#include "common/tool/gridder.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/progress.h"
#include "common/tool/stop.h"

enum { BLOCK_A_THREAD = 8 };

static void fault_set(Gridder *gridder, const Corpus *corpus, int image) {
  gridder->keep[image] = false;
  if (corpus->images[image].mirrored) return; /* said once */
  gridder->fault[image] = xstrdup(status_message());
}

static Status survey_source(Gridder *gridder, const Corpus *corpus) {
  const char *first = NULL;
  gridder->cells_of = xcalloc((size_t)corpus->count + 1, sizeof *gridder->cells_of);
  for (int i = 0; i < corpus->count; i++) {
    const CorpusImage *image = &corpus->images[i];
    int cells, features;
    Status status = features_shape(gridder->source, image->id, image->file, &cells, &features);
    if (status == OK && first && features != gridder->features)
      status = status_set(BAD_INPUT, "%s has %d features a cell, %s has %d; the same number was expected", image->id,
                          features, first, gridder->features);
    if (status != OK) {
      fault_set(gridder, corpus, i);
      continue;
    }
    if (!first) first = image->id;
    gridder->features = features;
    gridder->cells_of[i] = cells;
    if (cells > gridder->cells) gridder->cells = cells;
  }
  if (!first) return status_set(BAD_INPUT, "no picture has features: %s", status_message());
  return OK;
}

Status gridder_survey(Gridder *gridder, const Corpus *corpus) {
  gridder->keep = xcalloc((size_t)corpus->count + 1, sizeof *gridder->keep);
  gridder->fault = xcalloc((size_t)corpus->count + 1, sizeof *gridder->fault);
  for (int i = 0; i < corpus->count; i++) gridder->keep[i] = true;
  if (gridder->source) return survey_source(gridder, corpus);
  gridder->cells = encoder_cells(gridder->encoder);
  gridder->features = encoder_features(gridder->encoder);
  return OK;
}

/* One picture on the calling thread. */
static void take_one(Gridder *gridder, const Corpus *corpus, int image, EncoderScratch *scratch, float *grid) {
  const CorpusImage *from = &corpus->images[image];
  if (!gridder->keep[image] || dataset_part_has(gridder->part, image)) return;
  Status status;
  if (gridder->source) {
    status = features_read(gridder->source, from->id, from->file, gridder->cells, gridder->features, grid);
  } else {
    char *path = path_join(gridder->folder, from->file);
    encoder_scratch_mirror(scratch, from->mirrored);
    status = file_exists(path) ? encoder_encode_file(gridder->encoder, scratch, path, grid)
                               : status_set(BAD_INPUT, "%s: no such file", path);
    free(path);
  }
  if (status != OK) fault_set(gridder, corpus, image);
}

static Status block_write(Gridder *gridder, DatasetWriter *writer, int first, int count, const float *grids,
                          size_t grid) {
  for (int i = 0; i < count; i++) {
    if (!gridder->keep[first + i]) gridder->broken += gridder->fault[first + i] != NULL;
    else if (writer && dataset_part_has(gridder->part, first + i)) TRY(dataset_part_take(gridder->part, writer));
    else if (writer) TRY(dataset_write_features(writer, 1, grids + (size_t)i * grid));
  }
  return OK;
}

Status gridder_run(Gridder *gridder, const Corpus *corpus, DatasetWriter *writer) {
  if (gridder->source && !features_parallel(gridder->source)) gridder->threads = 1;
  int threads = gridder->threads, block = threads * BLOCK_A_THREAD;
  size_t grid = (size_t)gridder->cells * (size_t)gridder->features;
  float *grids = xmalloc((size_t)block * grid * sizeof *grids);
  EncoderScratch **scratch = xcalloc((size_t)threads, sizeof *scratch);
  for (int t = 0; t < threads && gridder->encoder; t++) scratch[t] = encoder_scratch_new(gridder->encoder);
  double began = clock_seconds();
  Progress progress;
  progress_begin(&progress, gridder->name, "pictures", corpus->count, dataset_part_done(gridder->part));
  Status status = OK;
  int first = 0;
  for (; first < corpus->count && status == OK && !stop_wanted(); first += block) {
    int count = corpus->count - first < block ? corpus->count - first : block;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int i = 0; i < count; i++)
      take_one(gridder, corpus, first + i, scratch[omp_get_thread_num()], grids + (size_t)i * grid);
    status = block_write(gridder, writer, first, count, grids, grid);
    char note[48];
    snprintf(note, sizeof note, "%d unreadable", gridder->broken);
    if (first + count > dataset_part_done(gridder->part))
      progress_update(&progress, first + count, gridder->broken ? note : NULL);
  }
  gridder->done = first < corpus->count ? first : corpus->count;
  gridder->stopped = status == OK && gridder->done < corpus->count;
  progress_end(&progress, gridder->done);
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
  free(gridder->cells_of);
  gridder->fault = NULL;
  gridder->keep = NULL;
  gridder->cells_of = NULL;
}
