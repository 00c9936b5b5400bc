/* A small dataset file made in a test: pictures of three colours and four shapes, their grids noisy one-hot codes, five
 * captions each; splits train, val, test. Included by tests only. */
#ifndef TROUPE_TESTS_TINY_DATASET_H
#define TROUPE_TESTS_TINY_DATASET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/rng.h"
#include "common/data/dataset_write.h"
#include "common/data/vocabulary.h"
#include "common/score/ngram.h"

enum { TINY_CELLS = 4, TINY_FEATURES = 12, TINY_CAPTIONS = 5, TINY_STRIDE = 12 };

static inline void tiny_features(int image, float *grid) {
  for (int k = 0; k < TINY_CELLS * TINY_FEATURES; k++) {
    RngKey key = {.seed = 1, .stage = RNG_TEST, .image = (uint32_t)image, .iteration = (uint32_t)k};
    int f = k % TINY_FEATURES;
    grid[k] = 0.1f * rng_normal(&key) + (f == image % 3 ? 1.0f : 0.0f) + (f == 4 + image / 3 % 4 ? 1.0f : 0.0f);
  }
}

static inline void tiny_text(int image, int caption, char text[64]) {
  static const char *const colours[] = {"red", "blue", "green"}, *const shapes[] = {"circle", "square", "star",
                                                                                    "cross"};
  const char *c = colours[image % 3], *s = shapes[image / 3 % 4];
  switch ((caption + image) % TINY_CAPTIONS) {
    case 0: snprintf(text, 64, "a %s %s on the grass", c, s); break;
    case 1: snprintf(text, 64, "there is a %s %s", c, s); break;
    case 2: snprintf(text, 64, "one %s %s can be seen", c, s); break;
    case 3: snprintf(text, 64, "a small %s %s", c, s); break;
    default: snprintf(text, 64, "the picture has a %s %s", c, s);
  }
}

static inline void tiny_captions(Dataset *d, int image, WordCounts *counts, NgramDf *df, NgramCounts *scratch) {
  bool train = strcmp(d->image_split[image], "train") == 0;
  uint64_t *words = NULL;
  size_t used = 0, room = 0, at = 0;
  int length[TINY_CAPTIONS];
  for (int k = 0; k < TINY_CAPTIONS; k++) {
    char text[64];
    tiny_text(image, k, text);
    d->text[image * TINY_CAPTIONS + k] = xstrdup(text);
    d->words[image * TINY_CAPTIONS + k] = xstrdup(text);
    if (train) word_counts_add(counts, text, 1);
    length[k] = ngram_words_append(text, true, &words, &used, &room);
  }
  WordSpan references[TINY_CAPTIONS];
  for (int k = 0; k < TINY_CAPTIONS; at += (size_t)length[k++]) references[k] = (WordSpan){words + at, length[k]};
  if (train) ngram_df_add(df, references, TINY_CAPTIONS, scratch);
  free(words);
}

/* Writes the file; CHECKs that it works. Of ten pictures eight are train, one val, one test. */
static inline void tiny_dataset(const char *path, int images) {
  DatasetWriter *writer;
  CHECK(dataset_write_begin(&writer, path, TINY_CELLS, TINY_FEATURES, false) == OK);
  size_t m = (size_t)images, c = m * TINY_CAPTIONS;
  Dataset d = {.images = images,
               .captions = (int)c,
               .token_stride = TINY_STRIDE,
               .cells = TINY_CELLS,
               .features = TINY_FEATURES,
               .encoder = "patches",
               .preprocessing = "none",
               .image_id = xcalloc(m, sizeof(char *)),
               .image_file = xcalloc(m, sizeof(char *)),
               .image_split = xcalloc(m, SPLIT_NAME),
               .image_first = xcalloc(m + 1, sizeof(int32_t)),
               .text = xcalloc(c, sizeof(char *)),
               .words = xcalloc(c, sizeof(char *)),
               .tokens = xcalloc(c * TINY_STRIDE, sizeof(int32_t)),
               .length = xcalloc(c, sizeof(int32_t))};
  WordCounts counts = {0};
  NgramDf df;
  NgramCounts scratch;
  ngram_df_init(&df);
  ngram_counts_init(&scratch);
  for (int i = 0; i < images; i++) {
    float grid[TINY_CELLS * TINY_FEATURES];
    tiny_features(i, grid);
    CHECK(dataset_write_features(writer, 1, grid) == OK);
    d.image_id[i] = xasprintf("%d", i);
    d.image_file[i] = xasprintf("%d.jpg", i);
    strcpy(d.image_split[i], i % 10 == 0 ? "val" : i % 10 == 1 ? "test" : "train");
    d.image_first[i + 1] = (i + 1) * TINY_CAPTIONS;
    tiny_captions(&d, i, &counts, &df, &scratch);
  }
  Vocabulary vocabulary;
  vocabulary_build(&vocabulary, &counts, 1);
  d.vocabulary = vocabulary.tokens.count;
  d.token = vocabulary.tokens.text;
  for (int r = 0; r < d.captions; r++)
    d.length[r] = vocabulary_encode(&vocabulary, d.words[r], d.tokens + (size_t)r * TINY_STRIDE, TINY_STRIDE);
  d.ngrams = df.used;
  d.ngram_key = xcalloc(df.used, sizeof(uint64_t));
  d.ngram_df = xcalloc(df.used, sizeof(float));
  d.ngram_documents = (int)df.documents;
  ngram_df_export(&df, d.ngram_key, d.ngram_df);
  CHECK(dataset_write_finish(writer, &d) == OK);
  for (size_t i = 0; i < m; i++) free(d.image_id[i]), free(d.image_file[i]);
  for (size_t r = 0; r < c; r++) free(d.text[r]), free(d.words[r]);
  free(d.image_id), free(d.image_file), free(d.image_split), free(d.image_first), free(d.text), free(d.words);
  free(d.tokens), free(d.length), free(d.ngram_key), free(d.ngram_df);
  vocabulary_free(&vocabulary);
  word_counts_free(&counts);
  ngram_df_free(&df);
  ngram_counts_free(&scratch);
}

static char tiny_path[] = "/tmp/troupe-tiny-XXXXXX";

/* For a program whose tests share one: set-up and tear-down of tiny_path, with 40 pictures. */
static inline int tiny_make(void **state) {
  (void)state;
  int file = mkstemp(tiny_path);
  if (file < 0) return -1;
  close(file);
  tiny_dataset(tiny_path, 40);
  return 0;
}

static inline int tiny_drop(void **state) {
  (void)state;
  return unlink(tiny_path);
}

#endif
