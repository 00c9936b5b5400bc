/* Ids -> the caption as text, for each kind of vocabulary. */
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/base/utf8.h"
#include "common/data/bpe.h"
#include "common/data/vocabulary.h"

typedef struct Text {
  char *bytes; /* owned */
  size_t used, room;
} Text;

static void text_add(Text *text, const char *bytes, size_t size) {
  if (text->used + size >= text->room) {
    text->room = (text->used + size) * 2 + 64;
    text->bytes = xrealloc(text->bytes, text->room);
  }
  memcpy(text->bytes + text->used, bytes, size);
  text->used += size;
  text->bytes[text->used] = 0;
}

static void words_add(Text *text, const char *token) {
  if (text->used) text_add(text, " ", 1);
  text_add(text, token, strlen(token));
}

static void wordpiece_add(Text *text, const char *token) {
  if (text->used && strncmp(token, "##", 2) == 0) text_add(text, token + 2, strlen(token + 2));
  else words_add(text, token);
}

/* Appends the bytes that the token's letters stand for. */
static void bpe_add(Text *text, const char *token) {
  for (size_t left = strlen(token), n; left; token += n, left -= n) {
    uint32_t letter;
    n = unicode_decode(token, left, &letter);
    int byte = bpe_byte(letter);
    char c = (char)byte;
    if (byte < 0) text_add(text, token, n); /* a piece that was added by hand */
    else text_add(text, byte < ' ' || byte == 0x7F ? " " : &c, 1);
  }
}

/* --- clean-up ----------------------------------------------------------------------------------------------------- */

/* Replaces `before`, which is not shorter than `after`, from the left. */
static void replace(Text *text, const char *before, const char *after) {
  size_t n = strlen(before), m = strlen(after), to = 0;
  for (size_t at = 0; at < text->used;) {
    bool here = at + n <= text->used && memcmp(text->bytes + at, before, n) == 0;
    if (here) {
      memcpy(text->bytes + to, after, m);
      to += m, at += n;
    } else text->bytes[to++] = text->bytes[at++];
  }
  text->used = to;
  text->bytes[to] = 0;
}

/* What BERT's tokeniser does behind its decoding, in this order; and then hyphens as it does apostrophes, or "t-shirt" would be
 * scored as two words: of Flickr8k's 35,000 captions 864 have other words after encoding and decoding without that, 10 with it. */
static void wordpiece_finish(Text *text) {
  static const char *const rules[][2] = {{" .", "."},     {" ?", "?"},     {" !", "!"},   {" ,", ","},
                                         {" ' ", "'"},    {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"},
                                         {" 've", "'ve"}, {" 're", "'re"}, {" - ", "-"}};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) replace(text, rules[i][0], rules[i][1]);
}

/* Bytes of the UTF-8 character at `at`, or 0; then *bad is how many bytes its broken beginning has. */
static size_t character_size(const unsigned char *at, size_t left, size_t *bad) {
  unsigned lead = at[0], low = 0x80, high = 0xBF;
  *bad = 1;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (size_t i = 1; i < size; i++, low = 0x80, high = 0xBF) {
    if (i >= left || at[i] < low || at[i] > high) return 0;
    *bad = i + 1;
  }
  return size;
}

/* Makes it UTF-8 and takes the blanks off both ends. */
static void bpe_finish(Text *text) {
  Text whole = {0};
  text_add(&whole, "", 0);
  while (text->used && text->bytes[text->used - 1] == ' ') text->used--;
  size_t at = 0;
  while (at < text->used && text->bytes[at] == ' ') at++;
  for (size_t bad; at < text->used;) {
    size_t size = character_size((const unsigned char *)text->bytes + at, text->used - at, &bad);
    if (size) text_add(&whole, text->bytes + at, size);
    else text_add(&whole, "\xEF\xBF\xBD", 3);
    at += size ? size : bad;
  }
  free(text->bytes);
  *text = whole;
}

static void finish_nothing(Text *text) { (void)text; }

static const struct {
  void (*add)(Text *, const char *);
  void (*finish)(Text *);
} KINDS[VOCABULARY_KINDS] = {
    [VOCABULARY_WORDS] = {words_add, finish_nothing},
    [VOCABULARY_WORDPIECE] = {wordpiece_add, wordpiece_finish},
    [VOCABULARY_BPE] = {bpe_add, bpe_finish},
};

char *vocabulary_text(VocabularyKind kind, char *const *token, int size, const int32_t *ids, int length) {
  Text text = {0};
  text_add(&text, "", 0);
  for (int i = 0; i < length && ids[i] != WORD_END; i++) {
    CHECK(ids[i] >= 0 && ids[i] < size);
    if (ids[i] == WORD_PAD || ids[i] == WORD_START) continue;
    if (ids[i] == WORD_UNKNOWN) words_add(&text, token[ids[i]]);
    else KINDS[kind].add(&text, token[ids[i]]);
  }
  KINDS[kind].finish(&text);
  return text.bytes;
}
