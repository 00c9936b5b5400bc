/* A caption's words as METEOR 1.5 sees them: its own normalisation (option -norm, English) on top of whatever tokeniser
 * came before. "it 's a well-known u.s. dog." -> it ' s a well known us dog . The rules follow the Moses tokeniser, with
 * METEOR's own: quotation marks are unified, hyphens within words part them, acronyms lose their periods. */
#ifndef TROUPE_SCORE_METEOR_WORDS_H
#define TROUPE_SCORE_METEOR_WORDS_H

#include "common/score/meteor_data.h"

/* Reused from caption to caption, so that nothing is allocated once it has grown. */
typedef struct MeteorText {
  uint32_t *text, *other; /* owned: code points, and scratch of the same size */
  size_t used, room;
  char *bytes;    /* owned: the words as UTF-8, behind each other */
  size_t *starts; /* owned: [count + 1] of the words in `bytes` */
  int count, words_room;
  size_t bytes_room;
} MeteorText;

void meteor_text_free(MeteorText *text); /* idempotent; initialise with {0} */

/* Any bytes are accepted; wrong UTF-8 becomes U+FFFD. Returns text->count words, borrowed until the next call. */
int meteor_normalize(MeteorText *text, const MeteorData *data, const char *caption, size_t size);

static inline const char *meteor_text_word(const MeteorText *text, int index, size_t *size) {
  *size = text->starts[index + 1] - text->starts[index];
  return text->bytes + text->starts[index];
}

#endif
