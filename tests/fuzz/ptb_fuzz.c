/* Fuzzes the tokeniser: any bytes give words without blanks in them, joined the same as apart; its own output is
 * tokenised, too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/score/ngram.h"
#include "common/score/ptb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static PtbTokenizer ptb; /* kept: one caption may leave nothing behind for the next */
  static uint64_t *words;
  static size_t room;
  if (!ptb.scanner) ptb_init(&ptb);
  int count = ptb_tokenize(&ptb, (const char *)data, size);
  CHECK(count == ptb.count && count >= 0);
  size_t bytes = 0;
  for (int w = 0; w < count; w++) {
    const char *word = ptb_word(&ptb, w);
    CHECK(*word && !strpbrk(word, " \n\r\t"));
    bytes += strlen(word) + 1;
  }
  const char *joined = ptb_joined(&ptb);
  CHECK(strlen(joined) == (bytes ? bytes - 1 : 0));
  size_t used = 0;
  CHECK(ngram_tokens_append(joined, &words, &used, &room) == count);
  char *again = xstrdup(joined);
  CHECK(ptb_tokenize(&ptb, again, strlen(again)) >= 0);
  free(again);
  return 0;
}
