/* A dataset file of the size that is asked for, with grids and captions that mean nothing: what rates, start-up and memory are
 * measured with. Nine of ten pictures are train, the others val.
 *
 *   make_dataset FILE [--images 2000] [--cells 49] [--features 1280] [--vocabulary 2538] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/data/dataset_write.h"
#include "common/data/vocabulary.h"
#include "common/score/ngram.h"

enum { CAPTIONS = 5, SHORTEST = 7, LENGTHS = 8, STRIDE = 20, WORD = 8 };

typedef struct Wanted {
  const char *path;
  int images, cells, features, vocabulary;
} Wanted;

static uint32_t draw(int image, int caption, int position) {
  RngKey key = {1, RNG_TEST, 0, (uint32_t)image, (uint32_t)caption, (uint32_t)position};
  uint32_t words[4];
  rng_words(&key, words);
  return words[0];
}

/* Words as of a language: the n-th about as often as 1/n. */
static int word_at(const Wanted *wanted, int image, int caption, int position) {
  int words = wanted->vocabulary - WORDS_SPECIAL;
  uint32_t bound = draw(image, caption, position) % (uint32_t)words + 1;
  return (int)(draw(image, caption, position + 100) % bound);
}

static char *text_make(const Wanted *wanted, int image, int caption) {
  int words = SHORTEST + (int)(draw(image, caption, 99) % LENGTHS);
  char *text = xcalloc((size_t)words, WORD), *at = text;
  for (int w = 0; w < words; w++) at += sprintf(at, "%sw%d", w ? " " : "", word_at(wanted, image, caption, w));
  return text;
}

static void features_write(DatasetWriter *writer, const Wanted *wanted) {
  size_t floats = (size_t)wanted->cells * (size_t)wanted->features;
  float *grid = xmalloc(floats * sizeof *grid);
  for (int i = 0; i < wanted->images; i++) {
    for (size_t k = 0; k < floats; k++) grid[k] = (float)((k * 2654435761u + (size_t)i * 40503u) >> 7 & 255) / 256;
    CHECK(dataset_write_features(writer, 1, grid) == OK);
  }
  free(grid);
}

/* Its n-grams, for the document frequencies. */
static void references_add(NgramDf *df, NgramCounts *scratch, char *const *text) {
  uint64_t *words = NULL;
  size_t used = 0, room = 0, at = 0;
  WordSpan spans[CAPTIONS];
  int length[CAPTIONS];
  for (int c = 0; c < CAPTIONS; c++) length[c] = ngram_words_append(text[c], true, &words, &used, &room);
  for (int c = 0; c < CAPTIONS; at += (size_t)length[c++]) spans[c] = (WordSpan){words + at, length[c]};
  ngram_df_add(df, spans, CAPTIONS, scratch);
  free(words);
}

static void words_name(Dataset *d, Vocabulary *vocabulary, int words) {
  WordCounts counts = {0};
  for (int w = 0; w < words; w++) {
    char name[WORD + 8];
    snprintf(name, sizeof name, "w%d", w);
    word_counts_add(&counts, name, 1);
  }
  vocabulary_build(vocabulary, &counts, 1);
  word_counts_free(&counts);
  d->vocabulary = vocabulary->tokens.count;
  d->token = vocabulary->tokens.text;
}

static Status make(const Wanted *wanted) {
  DatasetWriter *writer;
  TRY(dataset_write_begin(&writer, wanted->path, wanted->cells, wanted->features, true));
  features_write(writer, wanted);
  size_t images = (size_t)wanted->images, captions = images * CAPTIONS;
  Dataset d = {.images = wanted->images,
               .captions = (int)captions,
               .token_stride = STRIDE,
               .cells = wanted->cells,
               .features = wanted->features,
               .encoder = "none",
               .preprocessing = "none",
               .image_id = xcalloc(images, sizeof(char *)),
               .image_file = xcalloc(images, sizeof(char *)),
               .image_split = xcalloc(images, SPLIT_NAME),
               .image_first = xcalloc(images + 1, sizeof(int32_t)),
               .text = xcalloc(captions, sizeof(char *)),
               .tokens = xcalloc(captions * STRIDE, sizeof(int32_t)),
               .length = xcalloc(captions, sizeof(int32_t))};
  d.words = d.text;
  NgramDf df;
  NgramCounts scratch;
  Vocabulary vocabulary;
  ngram_df_init(&df);
  ngram_counts_init(&scratch);
  words_name(&d, &vocabulary, wanted->vocabulary - WORDS_SPECIAL);
  for (int i = 0; i < wanted->images; i++) {
    char **text = d.text + (size_t)i * CAPTIONS;
    d.image_id[i] = d.image_file[i] = xasprintf("%d", i);
    strcpy(d.image_split[i], i % 10 ? "train" : "val");
    d.image_first[i + 1] = (i + 1) * CAPTIONS;
    for (int c = 0; c < CAPTIONS; c++) {
      size_t row = (size_t)i * CAPTIONS + (size_t)c;
      text[c] = text_make(wanted, i, c);
      d.length[row] = vocabulary_encode(&vocabulary, text[c], d.tokens + row * STRIDE, STRIDE);
    }
    if (i % 10) references_add(&df, &scratch, text);
  }
  d.ngrams = df.used;
  d.ngram_key = xcalloc(df.used, sizeof(uint64_t));
  d.ngram_df = xcalloc(df.used, sizeof(float));
  d.ngram_documents = (int)df.documents;
  ngram_df_export(&df, d.ngram_key, d.ngram_df);
  return dataset_write_finish(writer, &d); /* the process ends: nothing is freed */
}

int main(int argc, char **argv) {
  Wanted wanted = {NULL, 2000, 49, 1280, 2538};
  if (argc > 1) wanted.path = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    int value = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--images")) wanted.images = value;
    else if (!strcmp(argv[i], "--cells")) wanted.cells = value;
    else if (!strcmp(argv[i], "--features")) wanted.features = value;
    else if (!strcmp(argv[i], "--vocabulary")) wanted.vocabulary = value;
    else wanted.path = NULL;
  }
  if (!wanted.path)
    return fputs("usage: make_dataset FILE [--images M] [--cells N] [--features F] [--vocabulary V]\n", stderr), 2;
  if (make(&wanted) == OK) return 0;
  fprintf(stderr, "make_dataset: %s\n", status_message());
  return 1;
}
