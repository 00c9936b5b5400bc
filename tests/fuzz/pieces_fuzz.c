/* libFuzzer: any bytes as a vocabulary of pieces: read, or refused with a message; what was read encodes text and decodes it.
 * The first byte picks the kind; a BPE's merges, and then the text, stand behind NULs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/data/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The part up to the next NUL, moved past. */
static const char *part(const char **at, const char *end, size_t *size) {
  const char *first = *at, *nul = memchr(first, 0, (size_t)(end - first));
  *size = (size_t)((nul ? nul : end) - first);
  *at = nul ? nul + 1 : end;
  return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { STRIDE = 64 };
  if (!size) return 0;
  char *bytes = malloc(size + 1);
  CHECK(bytes != NULL);
  memcpy(bytes, data, size);
  bytes[size] = '\0';
  const char *at = bytes + 1, *end = bytes + size;
  size_t n, m, text_size;
  const char *vocabulary = part(&at, end, &n), *merges = part(&at, end, &m), *text = part(&at, end, &text_size);
  VocabularyKind kind = data[0] & 1 ? VOCABULARY_BPE : VOCABULARY_WORDPIECE;
  Pieces pieces;
  if (pieces_parse(&pieces, kind, "fuzz", vocabulary, n, m ? "merges" : NULL, merges, m) != OK) {
    CHECK(status_message()[0] != '\0');
  } else {
    int32_t ids[STRIDE];
    int length = pieces_encode(&pieces, text, ids, STRIDE);
    CHECK(length >= 1 && length <= STRIDE);
    char *decoded = vocabulary_text(kind, pieces.vocabulary.tokens.text, pieces.vocabulary.tokens.count, ids, length);
    free(decoded);
    pieces_free(&pieces);
  }
  free(bytes);
  return 0;
}
