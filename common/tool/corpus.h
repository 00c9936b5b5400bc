/* Corpus: the words of a dataset in the making: which pictures, in which split, their captions tokenised; then, once it is
 * known which pictures can be read, the vocabulary, token ids and document frequencies of the training split. */
#ifndef TROUPE_TOOL_CORPUS_H
#define TROUPE_TOOL_CORPUS_H

#include <stdbool.h>

#include "common/data/captions.h"
#include "common/data/dataset.h"
#include "common/data/pieces.h"

typedef struct CorpusImage {
  const char *id, *file; /* borrowed from the caption list */
  char split[SPLIT_NAME];
  char **text, **words; /* [captions]; text borrowed (owned when mirrored), words owned */
  int captions;
  bool mirrored; /* the file's picture is to be flipped; id is owned, too. Vocabulary and frequencies do not count it */
} CorpusImage;

typedef struct Corpus {
  CorpusImage *images;
  int count;
  int empty_captions; /* dropped: no words */
  int silent_images;  /* dropped: no captions left */
  Names missing;      /* named by a list file, absent from the captions */
} Corpus;

/* Ends the id of a mirrored picture. */
#define MIRROR_SUFFIX "#mirror"

/* --split NAME=LISTFILE or NAME=10% */
typedef struct SplitList {
  char name[SPLIT_NAME];
  char *path;   /* owned; NULL: a share */
  double share; /* of the pictures that no list names */
} SplitList;

/* Takes the pictures of the lists, in the order of the caption file; without lists every picture, in the split that the file
 * gives ("train" where it gives none). With shares the pictures of no list are dealt by a hash of their names, the rest to
 * "train". Errors: a list that cannot be read, a picture in two splits, shares of all, no training split. */
Status corpus_select(Corpus *corpus, const CaptionList *captions, const SplitList *lists, int list_count);
void corpus_free(Corpus *corpus); /* idempotent */

/* How captions become tokens. */
typedef struct CorpusTokens {
  const Pieces *pieces; /* borrowed; NULL: words of the training split with at least min_count occurrences */
  long min_count;
  int max_length;
} CorpusTokens;

/* Fills `content` (all but features, encoder and preprocessing) from the images with keep[i]; free by dataset_close. */
Status corpus_content(const Corpus *corpus, const bool *keep, const CorpusTokens *options, Dataset *content);

#endif
