/* PTB: the caption tokeniser that every metric counts words with. Penn Treebank rules as the COCO caption evaluation
 * applies them (Stanford PTBTokenizer -lowerCase, then a list of punctuation is removed): "don't" -> "do" "n't",
 * "dog's" -> "dog" "'s", "T-shirt." -> "t-shirt". The rules are a flex scanner: ptb.l. */
#ifndef TROUPE_SCORE_PTB_H
#define TROUPE_SCORE_PTB_H

#include <stddef.h>
#include <stdint.h>

/* One caption's words; reused from caption to caption, so that nothing is allocated once it has grown. */
typedef struct PtbTokenizer {
  char *text;     /* owned: the words, each followed by NUL */
  size_t *starts; /* owned: [count] offsets into text */
  size_t used, text_room;
  int count, words_room;
  char *input;     /* owned: the caption as the scanner wants it, a byte a character */
  uint32_t *codes; /* owned: the characters */
  size_t input_room;
  void *scanner; /* owned: flex state */
} PtbTokenizer;

void ptb_init(PtbTokenizer *ptb);
void ptb_free(PtbTokenizer *ptb); /* idempotent */

/* Splits `size` bytes (a line feed counts as a space) into ptb->count lower-case words and returns that count. Any
 * bytes are accepted, UTF-8 or not; a run of 1024 bytes without a space is cut. Borrowed until the next call. */
int ptb_tokenize(PtbTokenizer *ptb, const char *caption, size_t size);

static inline const char *ptb_word(const PtbTokenizer *ptb, int index) { return ptb->text + ptb->starts[index]; }

/* The same words joined by one space, NUL-terminated; overwrites the separate words. Borrowed until the next call. */
const char *ptb_joined(PtbTokenizer *ptb);

#endif
