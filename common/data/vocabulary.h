/* Vocabulary: what a captioner can say: words, or pieces of words (pieces.h). The first four ids are special (the same as
 * TOKEN_* of common/model/decode.h); then come the words that the training captions have at least min_count times, by falling
 * count, equal counts by bytes: the same captions give the same ids. */
#ifndef TROUPE_DATA_VOCABULARY_H
#define TROUPE_DATA_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/data/names.h"

enum { WORD_PAD = 0, WORD_START = 1, WORD_END = 2, WORD_UNKNOWN = 3, WORDS_SPECIAL = 4 };

/* What a token is: how captions become ids, and ids text. */
typedef enum VocabularyKind {
  VOCABULARY_WORDS,     /* words of the metrics' tokeniser */
  VOCABULARY_WORDPIECE, /* BERT's pieces: "##" continues a word */
  VOCABULARY_BPE,       /* GPT-2's: each letter stands for a byte (bpe.h) */
  VOCABULARY_KINDS
} VocabularyKind;

const char *vocabulary_kind_name(VocabularyKind kind); /* "words", "wordpiece", "bpe" */
/* false, and *kind as it was, for any other name. */
bool vocabulary_kind_find(const char *name, VocabularyKind *kind);

extern const char *const WORD_SPECIAL_NAMES[WORDS_SPECIAL]; /* "<pad>", "<start>", "<end>", "<unk>" */

typedef struct WordCounts {
  Names words; /* in order of first appearance */
  long *count; /* [words.count], owned */
  int room;
} WordCounts; /* {0} has counted nothing */

void word_counts_free(WordCounts *counts); /* idempotent */
/* Counts each word of `words` (joined by single spaces) `times` times. */
void word_counts_add(WordCounts *counts, const char *words, long times);

typedef struct Vocabulary {
  Names tokens; /* V = tokens.count */
} Vocabulary;

void vocabulary_build(Vocabulary *vocabulary, const WordCounts *counts, long min_count);
/* Copies a list of tokens read from a dataset or a checkpoint. Of words given twice the first id counts. */
void vocabulary_init(Vocabulary *vocabulary, char *const *token, int size);
void vocabulary_free(Vocabulary *vocabulary); /* idempotent */

/* Id of the `length` bytes at `word`; WORD_UNKNOWN when it is not there (or is the name of a special token). */
int vocabulary_find(const Vocabulary *vocabulary, const char *word, size_t length);

/* Ids of a caption's words (joined by single spaces) and the end token, cut at `stride` (a cut caption has no end token);
 * the rest of ids[0 .. stride) is padding. Returns the length. */
int vocabulary_encode(const Vocabulary *vocabulary, const char *words, int32_t *ids, int stride);

/* The caption of `ids` as text, up to the first end token; other special tokens are left out, but the unknown token reads
 * "<unk>". Words are joined by single spaces; WordPiece is detokenised as by BERT's tokeniser with its clean-up ("a dog's
 * ball."), hyphens joined as well; BPE by its bytes (those that are no UTF-8 read U+FFFD, control characters are blanks, none at the ends). Ids out of
 * range are a bug. `token` as in Dataset or Checkpoint. Owned by the caller. */
char *vocabulary_text(VocabularyKind kind, char *const *token, int size, const int32_t *ids, int length);

#endif
