/* Mirrored pictures of a corpus. */
#include "common/tool/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "common/data/captions.h"

static char **texts_mirrored(char **texts, int count) {
  char **mirrored = xcalloc((size_t)count + 1, sizeof *mirrored);
  for (int k = 0; k < count; k++) mirrored[k] = caption_mirrored(texts[k]);
  return mirrored;
}

static CorpusImage image_mirrored(const CorpusImage *image) {
  CorpusImage mirrored = *image;
  mirrored.mirrored = true;
  mirrored.id = xasprintf("%s" MIRROR_SUFFIX, image->id);
  mirrored.text = texts_mirrored(image->text, image->captions);
  mirrored.words = texts_mirrored(image->words, image->captions);
  return mirrored;
}

Status corpus_mirror(Corpus *corpus, const char *split) {
  int more = 0;
  for (int i = 0; i < corpus->count; i++) {
    if (strcmp(corpus->images[i].split, split) != 0) continue;
    if (corpus->images[i].mirrored) return status_set(BAD_INPUT, "--mirror: '%s' was given twice", split);
    more++;
  }
  if (!more) return status_set(BAD_INPUT, "--mirror: no picture is in the split '%s'", split);
  CorpusImage *images = xcalloc((size_t)(corpus->count + more) + 1, sizeof *images);
  int count = 0;
  for (int i = 0; i < corpus->count; i++) {
    images[count++] = corpus->images[i];
    if (strcmp(corpus->images[i].split, split) == 0) images[count++] = image_mirrored(&corpus->images[i]);
  }
  free(corpus->images);
  corpus->images = images;
  corpus->count = count;
  return OK;
}
