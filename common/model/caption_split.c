/* Captions of a split: chunks of pictures over threads, each with a decoder of its own. */
#include "common/model/caption_split.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/progress.h"
#include "common/data/vocabulary.h"

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
  CaptionSet *set = &worker->set;
  if (options->samples)
    decoder_sample(&worker->decoder, weights, count, worker->features, images, options->samples, &options->sampling,
                   set);
  else decoder_search(&worker->decoder, weights, count, worker->features, &options->search, set);
  for (int row = 0; row < set->count; row++)
    texts[row] = vocabulary_text(dataset->kind, dataset->token, dataset->vocabulary,
                                 set->tokens + (size_t)row * (size_t)set->max_length, set->length[row]);
  return OK;
}

Status caption_split(Dataset *dataset, const ParamTable *table, const float *weights, const int32_t *images, int count,
                     const CaptionSplitOptions *options, char **texts) {
  int size = options->chunk_images, chunks = (count + size - 1) / size, done = 0;
  int group = options->samples ? options->samples : 1, rows = size * (options->samples ? group : options->search.beam);
  size_t stride = (size_t)table->shape.cells * (size_t)table->shape.features;
  Status status = OK;
  char *message = NULL;
  Progress progress;
  if (options->progress) progress_begin(&progress, options->samples ? "sampling" : "captioning", "pictures", count, 0);
  memset(texts, 0, (size_t)count * (size_t)group * sizeof *texts);
#pragma omp parallel
  {
    Worker worker;
    decoder_init(&worker.decoder, table, size, rows, options->max_length);
    captions_init(&worker.set, rows, options->max_length);
    worker.features = xmalloc((size_t)size * stride * sizeof(float));
#pragma omp for schedule(dynamic)
    for (int c = 0; c < chunks; c++) {
      int first = c * size, pictures = count - first < size ? count - first : size;
      Status mine = status == OK ? chunk_caption(&worker, dataset, table, weights, images + first, pictures, options,
                                                 texts + (size_t)first * (size_t)group)
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
  for (int i = 0; i < count * group; i++) free(texts[i]);
  status_set(status, "%s", message);
  free(message);
  return status;
}

Status caption_split_frequencies(const Dataset *dataset, NgramDf *df) {
  ngram_df_init(df);
  Status status = ngram_df_import(df, dataset->ngram_key, dataset->ngram_df, dataset->ngrams, dataset->ngram_documents);
  if (status == OK) return OK;
  ngram_df_free(df);
  return status_prefix(status, "%s: ngram", dataset->path);
}

void caption_split_score_by(const NgramDf *df, const Dataset *dataset, const int32_t *images, int count, int group,
                            char *const *texts, EvaluationScores *scores) {
  Evaluation evaluation;
  evaluation_init(&evaluation);
  evaluation.df = df;
  for (int i = 0; i < count; i++) {
    int first = dataset->image_first[images[i]], references = dataset->image_first[images[i] + 1] - first;
    evaluation_add_group_tokenized(&evaluation, (const char *const *)(texts + (size_t)i * (size_t)group), group,
                                   dataset->kind == VOCABULARY_WORDS, (const char *const *)(dataset->words + first),
                                   references);
  }
  evaluation_compute(&evaluation, scores);
  evaluation_free(&evaluation);
}

void caption_split_score(const Dataset *dataset, const int32_t *images, int count, int group, char *const *texts,
                         EvaluationScores *scores) {
  caption_split_score_by(NULL, dataset, images, count, group, texts, scores);
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
