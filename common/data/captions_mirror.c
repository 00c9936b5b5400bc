/* The caption of a mirrored picture. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/data/captions.h"

/* Letters, digits and the bytes of UTF-8 beyond ASCII make words. */
static size_t word_length(const char *text) {
  size_t n = 0;
  while (isalnum((unsigned char)text[n]) || (unsigned char)text[n] >= 128) n++;
  return n;
}

/* Writes `word` in the manner of case of `like`: left, Left or LEFT. */
static char *word_write(char *out, const char *word, const char *like) {
  for (size_t i = 0; word[i]; i++) {
    bool upper = isupper((unsigned char)like[i < 2 ? i : 1]);
    *out++ = upper ? (char)toupper((unsigned char)word[i]) : word[i];
  }
  return out;
}

char *caption_mirrored(const char *text) {
  char *mirrored = xmalloc(strlen(text) / 4 + strlen(text) + 2), *out = mirrored; /* "left" grows by one */
  while (*text) {
    size_t n = word_length(text);
    if (n == 4 && strncasecmp(text, "left", 4) == 0) out = word_write(out, "right", text);
    else if (n == 5 && strncasecmp(text, "right", 5) == 0) out = word_write(out, "left", text);
    else {
      n += n == 0;
      memcpy(out, text, n);
      out += n;
    }
    text += n;
  }
  *out = 0;
  return mirrored;
}
