/* Captions of a split: chunks of pictures over threads, each with a decoder of its own. */
#include "common/model/caption_split.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/progress.h"
#include "common/data/vocabulary.h"
#include "common/score/ptb.h"

typedef struct Worker {
  Decoder decoder;
  CaptionSet set;
  float *features; /* [chunk_images, N, F] */
} Worker;

static Status chunk_caption(Worker *worker, Dataset *dataset, const ParamTable *table, const float *weights,
                            const int32_t *images, int count, const CaptionSplitOptions *options, char **texts) {
  size_t stride = (size_t)table->shape.cells * (size_t)table->shape.features;
  Status status = OK;
#pragma omp critical(dataset_read)
  for (int i = 0; i < count && status == OK; i++)
    status = dataset_features(dataset, images[i], worker->features + (size_t)i * stride);
  if (status != OK) return status;
  decoder_search(&worker->decoder, weights, count, worker->features, &options->search, &worker->set);
  for (int i = 0; i < count; i++)
    texts[i] = vocabulary_text(dataset->kind, dataset->token, dataset->vocabulary,
                               worker->set.tokens + (size_t)i * (size_t)worker->set.max_length, worker->set.length[i]);
  return OK;
}

Status caption_split(Dataset *dataset, const ParamTable *table, const float *weights, const int32_t *images, int count,
                     const CaptionSplitOptions *options, char **texts) {
  int size = options->chunk_images, chunks = (count + size - 1) / size, done = 0;
  size_t stride = (size_t)table->shape.cells * (size_t)table->shape.features;
  Status status = OK;
  char *message = NULL;
  Progress progress;
  if (options->progress) progress_begin(&progress, "captioning", "pictures", count, 0);
  memset(texts, 0, (size_t)count * sizeof *texts);
#pragma omp parallel
  {
    Worker worker;
    decoder_init(&worker.decoder, table, size, size * options->search.beam, options->max_length);
    captions_init(&worker.set, size * options->search.beam, options->max_length);
    worker.features = xmalloc((size_t)size * stride * sizeof(float));
#pragma omp for schedule(dynamic)
    for (int c = 0; c < chunks; c++) {
      int first = c * size, pictures = count - first < size ? count - first : size;
      Status mine = status == OK ? chunk_caption(&worker, dataset, table, weights, images + first, pictures, options,
                                                 texts + first)
                                 : OK;
#pragma omp critical(caption_split_report)
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
  for (int i = 0; i < count; i++) free(texts[i]);
  status_set(status, "%s", message);
  free(message);
  return status;
}

void caption_split_score(const Dataset *dataset, const int32_t *images, int count, char *const *texts,
                         EvaluationScores *scores) {
  Evaluation evaluation;
  PtbTokenizer ptb;
  evaluation_init(&evaluation);
  ptb_init(&ptb);
  for (int i = 0; i < count; i++) {
    int first = dataset->image_first[images[i]], references = dataset->image_first[images[i] + 1] - first;
    const char *words = texts[i];
    if (dataset->kind != VOCABULARY_WORDS) {
      ptb_tokenize(&ptb, words, strlen(words));
      words = ptb_joined(&ptb);
    }
    evaluation_add_tokenized(&evaluation, words, (const char *const *)(dataset->words + first), references);
  }
  evaluation_compute(&evaluation, scores);
  ptb_free(&ptb);
  evaluation_free(&evaluation);
}

double caption_split_words(char *const *texts, int count) {
  double words = 0;
  for (int i = 0; i < count; i++) {
    words += texts[i][0] != 0;
    for (const char *p = texts[i]; *p; p++) words += *p == ' ';
  }
  return count ? words / count : 0;
}

Status caption_split_images(const Dataset *dataset, const char *split, int limit, int32_t **images, int *count) {
  TRY(dataset_split(dataset, split, images, count));
  if (limit > 0 && limit < *count) *count = limit;
  return OK;
}
