/* Sampled groups of a split: chunks of pictures over threads, each with a decoder of its own. */
#include "common/model/caption_groups.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/progress.h"
#include "common/data/vocabulary.h"

enum { CHUNK = 8 }; /* pictures sampled together */

typedef struct Worker {
  Decoder decoder;
  CaptionSet set;
  float *features; /* [CHUNK, N, F] */
} Worker;

static Status chunk_sample(Worker *worker, Dataset *dataset, const ParamTable *table, const float *weights,
                           const int32_t *images, int count, const CaptionGroupsOptions *options, char **texts) {
  size_t stride = (size_t)table->shape.cells * (size_t)table->shape.features;
  Status status = OK;
#pragma omp critical(dataset_read)
  for (int i = 0; i < count && status == OK; i++)
    status = dataset_features(dataset, images[i], worker->features + (size_t)i * stride);
  if (status != OK) return status;
  decoder_sample(&worker->decoder, weights, count, worker->features, images, options->group, &options->sampling,
                 &worker->set);
  for (int row = 0; row < worker->set.count; row++)
    texts[row] =
        vocabulary_text(dataset->kind, dataset->token, dataset->vocabulary,
                        worker->set.tokens + (size_t)row * (size_t)worker->set.max_length, worker->set.length[row]);
  return OK;
}

Status caption_groups(Dataset *dataset, const ParamTable *table, const float *weights, const int32_t *images, int count,
                      const CaptionGroupsOptions *options, char **texts) {
  int chunks = (count + CHUNK - 1) / CHUNK, group = options->group, done = 0;
  size_t stride = (size_t)table->shape.cells * (size_t)table->shape.features;
  Status status = OK;
  char *message = NULL;
  Progress progress;
  if (options->progress) progress_begin(&progress, "sampling", "pictures", count, 0);
  memset(texts, 0, (size_t)count * (size_t)group * sizeof *texts);
#pragma omp parallel
  {
    Worker worker;
    decoder_init(&worker.decoder, table, CHUNK, CHUNK * group, options->max_length);
    captions_init(&worker.set, CHUNK * group, options->max_length);
    worker.features = xmalloc(CHUNK * stride * sizeof(float));
#pragma omp for schedule(dynamic)
    for (int c = 0; c < chunks; c++) {
      int first = c * CHUNK, pictures = count - first < CHUNK ? count - first : CHUNK;
      Status mine = chunk_sample(&worker, dataset, table, weights, images + first, pictures, options,
                                 texts + (size_t)first * (size_t)group);
#pragma omp critical(caption_groups_report)
      {
        if (mine != OK && status == OK) status = mine, message = xstrdup(status_message());
        done += pictures;
        if (options->progress && mine == OK) progress_update(&progress, done, NULL);
      }
    }
    decoder_free(&worker.decoder);
    captions_free(&worker.set);
    free(worker.features);
  }
  if (options->progress) progress_end(&progress, done);
  if (status == OK) return OK;
  for (int i = 0; i < count * group; i++) free(texts[i]);
  status_set(status, "%s", message);
  free(message);
  return status;
}

void caption_groups_score(const Dataset *dataset, const int32_t *images, int count, int group, char *const *texts,
                          EvaluationScores *scores) {
  Evaluation evaluation;
  evaluation_init(&evaluation);
  for (int i = 0; i < count; i++) {
    int first = dataset->image_first[images[i]], references = dataset->image_first[images[i] + 1] - first;
    evaluation_add_group_tokenized(&evaluation, (const char *const *)(texts + (size_t)i * (size_t)group), group,
                                   (const char *const *)(dataset->words + first), references);
  }
  evaluation_compute(&evaluation, scores);
  evaluation_free(&evaluation);
}
