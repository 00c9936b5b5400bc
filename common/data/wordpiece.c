/* BERT's basic tokeniser and the longest match. */
#include "common/data/wordpiece.h"

#include <string.h>

#include "common/base/utf8.h"

typedef enum PieceClass { PIECE_LETTER, PIECE_GONE, PIECE_SPACE, PIECE_ALONE } PieceClass;

typedef struct PieceClassRange {
  uint32_t first, last;
  uint8_t class;
} PieceClassRange;

/* Every step-th character of the range becomes the one `delta` behind. */
typedef struct PieceFoldRange {
  uint32_t first, last;
  int32_t delta;
  uint8_t step;
} PieceFoldRange;

typedef struct PieceFoldMany {
  uint32_t code, to[3];
} PieceFoldMany;

#include "common/data/wordpiece_table.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static PieceClass class_of(uint32_t code) {
  for (size_t low = 0, high = COUNT(CLASSES); low < high;) {
    size_t middle = (low + high) / 2;
    if (code < CLASSES[middle].first) high = middle;
    else if (code > CLASSES[middle].last) low = middle + 1;
    else return (PieceClass)CLASSES[middle].class;
  }
  return PIECE_LETTER;
}

static uint32_t fold_one(uint32_t code) {
  for (size_t low = 0, high = COUNT(FOLDS); low < high;) {
    size_t middle = (low + high) / 2;
    const PieceFoldRange *range = &FOLDS[middle];
    if (code < range->first) high = middle;
    else if (code > range->last) low = middle + 1;
    else return (code - range->first) % range->step ? code : code + (uint32_t)range->delta;
  }
  return code;
}

/* Without accents and in lower case -> to[3]; returns how many characters. */
static int fold(uint32_t code, uint32_t to[3]) {
  enum { SYLLABLES = 0xAC00, SYLLABLES_LAST = 0xD7A3, LEADS = 0x1100, VOWELS = 0x1161, TAILS = 0x11A7 };
  if (code >= SYLLABLES && code <= SYLLABLES_LAST) { /* Hangul, by the Unicode Standard's arithmetic (3.12) */
    uint32_t at = code - SYLLABLES, tail = at % 28;
    to[0] = LEADS + at / 588, to[1] = VOWELS + at % 588 / 28, to[2] = TAILS + tail;
    return tail ? 3 : 2;
  }
  for (size_t i = 0; code >= MANY[0].code && i < COUNT(MANY) && MANY[i].code <= code; i++)
    if (MANY[i].code == code) {
      memcpy(to, MANY[i].to, sizeof MANY[i].to);
      return to[2] ? 3 : 2;
    }
  to[0] = fold_one(code);
  return 1;
}

/* A word in the making, behind the mark of a piece inside a word; it is only counted beyond the longest. */
typedef struct Word {
  char bytes[2 + WORDPIECE_LONGEST * 4];
  uint16_t start[WORDPIECE_LONGEST + 1]; /* where each character begins */
  int characters;
  size_t used;
} Word;

static void word_add(Word *word, uint32_t code) {
  if (word->characters < WORDPIECE_LONGEST) {
    word->start[word->characters] = (uint16_t)word->used;
    word->used += unicode_encode(code, word->bytes + word->used);
  }
  word->characters++;
}

static const char INSIDE[2] = {'#', '#'};

/* The longest piece at character `from`: its id, and the character behind it. */
static int piece_at(const Vocabulary *vocabulary, Word *word, int from, int *behind) {
  char *at = word->bytes + word->start[from], before[2];
  if (from) {
    at -= 2;
    memcpy(before, at, 2);
    memcpy(at, INSIDE, 2);
  }
  int id = WORD_UNKNOWN;
  for (*behind = word->characters; *behind > from && id == WORD_UNKNOWN; --*behind)
    id = vocabulary_find(vocabulary, at, (size_t)(word->bytes + word->start[*behind] - at));
  ++*behind;
  if (from) memcpy(at, before, 2);
  return id;
}

/* Cuts the word into ids; 0 when some part of it is no piece. */
static int word_cut(const Vocabulary *vocabulary, Word *word, int32_t ids[WORDPIECE_LONGEST]) {
  int count = 0;
  if (word->characters > WORDPIECE_LONGEST) return 0;
  word->start[word->characters] = (uint16_t)word->used;
  for (int at = 0; at < word->characters;)
    if ((ids[count++] = piece_at(vocabulary, word, at, &at)) == WORD_UNKNOWN) return 0;
  return count;
}

static void word_end(const Vocabulary *vocabulary, Word *word, PieceList *list) {
  int32_t ids[WORDPIECE_LONGEST];
  int count = word_cut(vocabulary, word, ids);
  for (int i = 0; i < count; i++) piece_add(list, ids[i]);
  if (!count && word->characters) piece_add(list, WORD_UNKNOWN);
  word->characters = 0;
  word->used = 2;
}

void wordpiece_encode(const Vocabulary *vocabulary, const char *text, PieceList *list) {
  Word word = {.used = 2};
  uint32_t code, to[3];
  for (size_t left = strlen(text); left && list->count < list->room;) {
    size_t n = unicode_decode(text, left, &code);
    text += n;
    left -= n;
    PieceClass class = class_of(code);
    if (class == PIECE_GONE) continue;
    if (class != PIECE_LETTER) word_end(vocabulary, &word, list);
    if (class == PIECE_SPACE) continue;
    int count = fold(code, to);
    for (int i = 0; i < count; i++) word_add(&word, to[i]);
    if (class == PIECE_ALONE) word_end(vocabulary, &word, list);
  }
  word_end(vocabulary, &word, list);
}
