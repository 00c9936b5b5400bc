/* Word counts and vocabularies. */
#include "common/data/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

const char *const WORD_SPECIAL_NAMES[WORDS_SPECIAL] = {"<pad>", "<start>", "<end>", "<unk>"};

static const char *const KIND_NAMES[VOCABULARY_KINDS] = {
    [VOCABULARY_WORDS] = "words", [VOCABULARY_WORDPIECE] = "wordpiece", [VOCABULARY_BPE] = "bpe"};

const char *vocabulary_kind_name(VocabularyKind kind) { return KIND_NAMES[kind]; }

bool vocabulary_kind_find(const char *name, VocabularyKind *kind) {
  for (int k = 0; k < VOCABULARY_KINDS; k++) {
    if (strcmp(name, KIND_NAMES[k]) != 0) continue;
    *kind = (VocabularyKind)k;
    return true;
  }
  return false;
}

void word_counts_free(WordCounts *counts) {
  names_free(&counts->words);
  free(counts->count);
  *counts = (WordCounts){0};
}

static void count_word(WordCounts *counts, const char *word, size_t length, long times) {
  int known = counts->words.count, at = names_intern(&counts->words, word, length);
  if (at == counts->room) {
    counts->room = counts->room ? counts->room * 2 : 1024;
    counts->count = xrealloc(counts->count, (size_t)counts->room * sizeof *counts->count);
  }
  if (at == known) counts->count[at] = 0;
  counts->count[at] += times;
}

void word_counts_add(WordCounts *counts, const char *words, long times) {
  for (const char *p = words; *p;) {
    size_t length = strcspn(p, " ");
    if (length) count_word(counts, p, length, times);
    p += length + (p[length] == ' ');
  }
}

void vocabulary_init(Vocabulary *vocabulary, char *const *token, int size) {
  *vocabulary = (Vocabulary){0};
  for (int id = 0; id < size; id++) names_append(&vocabulary->tokens, token[id], strlen(token[id]));
}

void vocabulary_free(Vocabulary *vocabulary) { names_free(&vocabulary->tokens); }

typedef struct Counted {
  char *word;
  long count;
} Counted;

static int by_falling_count(const void *a, const void *b) {
  const Counted *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return strcmp(x->word, y->word);
}

static int is_special(const char *word) {
  for (int i = 0; i < WORDS_SPECIAL; i++)
    if (strcmp(word, WORD_SPECIAL_NAMES[i]) == 0) return 1;
  return 0;
}

void vocabulary_build(Vocabulary *vocabulary, const WordCounts *counts, long min_count) {
  Counted *kept = xmalloc((size_t)(counts->words.count + 1) * sizeof *kept);
  int words = 0;
  for (int i = 0; i < counts->words.count; i++)
    if (counts->count[i] >= min_count && !is_special(counts->words.text[i]))
      kept[words++] = (Counted){counts->words.text[i], counts->count[i]};
  qsort(kept, (size_t)words, sizeof *kept, by_falling_count);
  char **token = xmalloc((size_t)(WORDS_SPECIAL + words) * sizeof *token);
  for (int i = 0; i < WORDS_SPECIAL; i++) token[i] = (char *)WORD_SPECIAL_NAMES[i];
  for (int i = 0; i < words; i++) token[WORDS_SPECIAL + i] = kept[i].word;
  vocabulary_init(vocabulary, token, WORDS_SPECIAL + words);
  free(token);
  free(kept);
}

int vocabulary_find(const Vocabulary *vocabulary, const char *word, size_t length) {
  int id = names_find(&vocabulary->tokens, word, length);
  return id < WORDS_SPECIAL ? WORD_UNKNOWN : id;
}

int vocabulary_encode(const Vocabulary *vocabulary, const char *words, int32_t *ids, int stride) {
  int length = 0;
  for (const char *p = words; *p && length < stride;) {
    size_t n = strcspn(p, " ");
    if (n) ids[length++] = vocabulary_find(vocabulary, p, n);
    p += n + (p[n] == ' ');
  }
  if (length < stride) ids[length++] = WORD_END;
  for (int i = length; i < stride; i++) ids[i] = WORD_PAD;
  return length;
}
