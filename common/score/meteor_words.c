/* METEOR's normalisation: passes over the caption's code points, in the order that decides what a comma, an apostrophe or
 * a hyphen next to another one does. Each rule looks at a character and its two neighbours; like a regular expression's
 * global replacement it does not use a neighbour twice. */
#include "common/score/meteor_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/score/unicode.h"

enum { PERIOD_OF_MANY = 0x110000 }; /* stands for each period of a run, so that no rule takes it for a full stop */

/* --- classes ----------------------------------------------------------------------------------------------------- */

enum { DIGIT = 1, SMALL_S = 2, OTHER_LETTER = 4, PERIOD = 8, OTHER = 16 };
enum { LETTER = SMALL_S | OTHER_LETTER, ALNUM = LETTER | DIGIT, NO_LETTER = DIGIT | PERIOD | OTHER };

/* METEOR's letters: Latin, Latin-1, Latin Extended-A but for long s, Cyrillic, phonetic extensions. */
static bool is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 0xC0 && c <= 0x17E && c != 0xD7 && c != 0xF7) || (c >= 0x400 && c <= 0x527) ||
         (c >= 0x1D00 && c <= 0x1D7F);
}

static int class_of(uint32_t c) {
  if (c >= '0' && c <= '9') return DIGIT;
  if (c == 's') return SMALL_S;
  if (c == '.') return PERIOD;
  return is_letter(c) ? OTHER_LETTER : OTHER;
}

static bool is_space(uint32_t c) {
  return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F) || c == 0x85 || c == 0xA0 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/* --- the text as code points ------------------------------------------------------------------------------------- */

static uint32_t unify_quote(uint32_t c) {
  if (c == 0x2018 || c == 0x2019 || c == '`') return '\'';
  return c == 0x201C || c == 0x201D ? '"' : c;
}

/* The character at *at, which moves behind it. */
static uint32_t character_read(const char *caption, size_t size, size_t *at) {
  uint32_t c;
  *at += unicode_decode(caption + *at, size - *at, &c);
  return unify_quote(unicode_lower(c));
}

/* A character never becomes more than 3, and the text is between two spaces. */
static void text_reserve(MeteorText *text, size_t size) {
  size_t room = size * 3 + 8;
  if (room <= text->room) return;
  text->room = room;
  text->text = xrealloc(text->text, sizeof *text->text * room);
  text->other = xrealloc(text->other, sizeof *text->other * room);
}

/* Decodes, and parts every character that can be no part of a longer word from its neighbours. */
static void text_read(MeteorText *text, const char *caption, size_t size) {
  text_reserve(text, size);
  uint32_t *out = text->text;
  size_t used = 0;
  out[used++] = ' ';
  for (size_t at = 0; at < size;) {
    uint32_t c = character_read(caption, size, &at);
    size_t next = at;
    if (c == '\'' && at < size && character_read(caption, size, &next) == '\'') { /* two are a double one */
      c = '"';
      at = next;
    }
    if (is_space(c)) {
      out[used++] = ' ';
    } else if (class_of(c) != OTHER || c == '\'' || c == ',' || c == '-') {
      out[used++] = c;
    } else {
      out[used++] = ' ';
      out[used++] = c == 0x2013 ? '-' : c;
      out[used++] = ' ';
    }
  }
  out[used++] = ' ';
  text->used = used;
}

static void text_swap(MeteorText *text, size_t used) {
  uint32_t *written = text->other;
  text->other = text->text;
  text->text = written;
  text->used = used;
}

static bool text_has(const MeteorText *text, uint32_t c) {
  for (size_t i = 0; i < text->used; i++)
    if (text->text[i] == c) return true;
  return false;
}

/* --- the rules --------------------------------------------------------------------------------------------------- */

/* Runs of periods become words of their own. */
static void part_periods(MeteorText *text) {
  const uint32_t *in = text->text;
  uint32_t *out = text->other;
  size_t used = 0;
  for (size_t i = 0; i < text->used;) {
    size_t run = 0;
    while (in[i + run] == '.') run++; /* ends at the last space */
    if (run < 2) {
      out[used++] = in[i++];
      continue;
    }
    out[used++] = ' ';
    for (size_t j = 0; j < run; j++) out[used++] = PERIOD_OF_MANY;
    out[used++] = ' ';
    i += run;
  }
  text_swap(text, used);
}

/* Each two hyphens become one. */
static void join_hyphens(MeteorText *text) {
  size_t used = 0;
  for (size_t i = 0; i < text->used; i++) {
    text->text[used++] = text->text[i];
    if (text->text[i] == '-' && text->text[i + 1] == '-') i++; /* the last is a space */
  }
  text->used = used;
}

/* `mark` between a character of the classes `left` and one of `right` is replaced by `by`. */
typedef struct Rule {
  uint32_t mark;
  int left, right;
  const char *by;
} Rule;

static const Rule COMMAS[] = {
    {',', LETTER | PERIOD | OTHER, LETTER | PERIOD | OTHER, " , "},
    {',', DIGIT, LETTER | PERIOD | OTHER, " , "},
    {',', LETTER | PERIOD | OTHER, DIGIT, " , "},
};
static const Rule APOSTROPHES[] = {
    {'\'', NO_LETTER, NO_LETTER, " ' "}, {'\'', PERIOD | OTHER, LETTER, " ' "}, {'\'', LETTER, NO_LETTER, " ' "},
    {'\'', LETTER, LETTER, " '"},        {'\'', DIGIT, SMALL_S, " '"}, /* 1990's */
};
static const Rule HYPHENS[] = {{'-', ALNUM | PERIOD, ALNUM, " "}};

static void rule_apply(MeteorText *text, const Rule *rule) {
  const uint32_t *in = text->text;
  uint32_t *out = text->other;
  size_t used = 0, free_from = 0; /* the left neighbour may not be an earlier match's right one */
  for (size_t i = 0; i < text->used; i++) {
    if (in[i] == rule->mark && i > free_from && (class_of(in[i - 1]) & rule->left) &&
        (class_of(in[i + 1]) & rule->right)) {
      for (const char *c = rule->by; *c; c++) out[used++] = (unsigned char)*c;
      out[used++] = in[++i];
      free_from = i + 1;
    } else {
      out[used++] = in[i];
    }
  }
  text_swap(text, used);
}

static void rules_apply(MeteorText *text, const Rule *rules, size_t count) {
  if (!text_has(text, rules[0].mark)) return;
  for (size_t i = 0; i < count; i++) rule_apply(text, &rules[i]);
}
#define RULES(rules) rules, sizeof(rules) / sizeof *(rules)

/* --- words ------------------------------------------------------------------------------------------------------- */

static void word_reserve(MeteorText *text) {
  if (text->count + 2 <= text->words_room) return;
  text->words_room = text->words_room ? text->words_room * 2 : 64;
  text->starts = xrealloc(text->starts, sizeof *text->starts * (size_t)text->words_room);
}

static void word_add(MeteorText *text, const uint32_t *word, size_t size, bool drop_periods) {
  word_reserve(text);
  size_t at = text->starts[text->count];
  for (size_t i = 0; i < size; i++)
    if (!drop_periods || word[i] != '.')
      at += unicode_encode(word[i] == PERIOD_OF_MANY ? '.' : word[i], text->bytes + at);
  text->starts[++text->count] = at;
}

/* Whether a full stop stays with the word before it. `next`: what the next word begins with, 0 at the end. */
static bool keeps_period(const MeteorData *data, const uint32_t *word, size_t size, uint32_t next) {
  if (next >= 'a' && next <= 'z') return true;
  char bytes[32]; /* abbreviations are short; a longer word, cut, is none */
  size_t used = 0;
  for (size_t i = 0; i < size && used + 4 <= sizeof bytes; i++) used += unicode_encode(word[i], bytes + used);
  int64_t index = meteor_data_word(data, meteor_word_hash(bytes, used));
  uint32_t flags = index < 0 ? 0 : data->flags[index];
  return (flags & METEOR_ABBREVIATION) || ((flags & METEOR_ABBREVIATION_NUMERIC) && class_of(next) == DIGIT);
}

/* A word with a period behind it: an acronym without its periods, the word as it is, or two words. */
static void word_with_period(MeteorText *text, const MeteorData *data, const uint32_t *word, size_t size,
                             uint32_t next) {
  bool period = false, letter = false;
  for (size_t i = 0; i + 1 < size; i++) {
    period = period || word[i] == '.';
    letter = letter || (class_of(word[i]) & LETTER);
  }
  if (period && letter) {
    word_add(text, word, size, true);
  } else if (keeps_period(data, word, size - 1, next)) {
    word_add(text, word, size, false);
  } else {
    word_add(text, word, size - 1, false);
    word_add(text, word + size - 1, 1, false);
  }
}

static void bytes_reserve(MeteorText *text, size_t size) {
  if (size <= text->bytes_room) return;
  text->bytes_room = size * 2;
  text->bytes = xrealloc(text->bytes, text->bytes_room);
}

static void text_split(MeteorText *text, const MeteorData *data) {
  bytes_reserve(text, text->used * 4);
  word_reserve(text);
  text->starts[0] = 0;
  const uint32_t *in = text->text;
  for (size_t i = 0; i < text->used; i++) {
    size_t end = i;
    while (in[end] != ' ') end++;
    if (end == i) continue;
    if (end - i > 1 && in[end - 1] == '.') {
      size_t next = end;
      while (next < text->used && in[next] == ' ') next++;
      word_with_period(text, data, in + i, end - i, next < text->used ? in[next] : 0);
    } else {
      word_add(text, in + i, end - i, false);
    }
    i = end;
  }
}

/* Most captions: small letters, digits and blanks, which no rule concerns. Returns whether this was one. */
static bool plain_split(MeteorText *text, const char *caption, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!((caption[i] >= 'a' && caption[i] <= 'z') || (caption[i] >= '0' && caption[i] <= '9') || caption[i] == ' '))
      return false;
  bytes_reserve(text, size);
  word_reserve(text);
  size_t used = text->starts[0] = 0;
  for (size_t i = 0; i < size;) {
    size_t end = i;
    while (end < size && caption[end] != ' ') end++;
    if (end > i) {
      memcpy(text->bytes + used, caption + i, end - i);
      text->starts[++text->count] = used += end - i;
      word_reserve(text);
    }
    i = end + 1;
  }
  return true;
}

int meteor_normalize(MeteorText *text, const MeteorData *data, const char *caption, size_t size) {
  text->count = 0;
  if (plain_split(text, caption, size)) return text->count;
  text_read(text, caption, size);
  if (text_has(text, '.')) part_periods(text);
  rules_apply(text, RULES(COMMAS));
  if (text_has(text, '-')) join_hyphens(text);
  rules_apply(text, RULES(APOSTROPHES));
  rules_apply(text, RULES(HYPHENS));
  text_split(text, data);
  return text->count;
}

void meteor_text_free(MeteorText *text) {
  free(text->text);
  free(text->other);
  free(text->bytes);
  free(text->starts);
  *text = (MeteorText){0};
}
