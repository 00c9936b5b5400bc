/* What METEOR knows of words: every word met so far with the words that match it by stem or by a common synonym set, found
 * once when the later of the two is met, and the paraphrase table's phrase that is this word alone. */
#ifndef TROUPE_SCORE_METEOR_LEXICON_H
#define TROUPE_SCORE_METEOR_LEXICON_H

#include <stdbool.h>

#include "common/score/meteor_data.h"

typedef struct MeteorWordList {
  int32_t *words; /* owned: [count] */
  int32_t count, room;
} MeteorWordList;

typedef struct MeteorWord {
  uint64_t hash;
  MeteorWordList stems;    /* other words with its stem */
  MeteorWordList synonyms; /* other words with a synonym set in common, of its own or of its base forms */
  int32_t related;         /* the last word that was found to be a synonym */
  int64_t phrase;          /* of this word alone, or -1 */
  bool begins;             /* longer phrases, perhaps */
  bool function;
} MeteorWord;

/* Words with one stem, or with one synonym set: a chain. */
typedef struct MeteorMember {
  int32_t word, next; /* next: -1 for the last */
} MeteorMember;

typedef struct MeteorClass {
  uint64_t key;   /* of a stem or a synonym set; 0 = free */
  int32_t member; /* the last added */
} MeteorClass;

typedef struct MeteorLexicon {
  const MeteorData *data; /* borrowed */
  void *stemmer;          /* owned: libstemmer's */
  MeteorWord *words;      /* owned: [words_used] */
  int32_t *slots;         /* owned: open addressing, word + 1, 0 = free */
  uint32_t mask;          /* slots - 1 */
  MeteorClass *classes;   /* owned: open addressing */
  uint32_t classes_mask;
  MeteorMember *members; /* owned: [members_used] */
  int words_used, words_room, classes_used, members_used, members_room;
} MeteorLexicon;

void meteor_lexicon_init(MeteorLexicon *lexicon, const MeteorData *data); /* borrows data */
void meteor_lexicon_free(MeteorLexicon *lexicon);                         /* idempotent */

/* The number of a word, which is added when it is new: 0, 1, ... in the order they were met. */
int32_t meteor_lexicon_word(MeteorLexicon *lexicon, const char *word, size_t size);

#endif
