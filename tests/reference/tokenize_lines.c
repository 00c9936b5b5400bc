/* Tokenises standard input, one caption a line, for the comparison with the evaluation's tokeniser (tests/reference). */
#include <stdio.h>
#include <stdlib.h>

#include "common/score/ptb.h"

int main(void) {
  PtbTokenizer ptb;
  ptb_init(&ptb);
  char *line = NULL;
  size_t room = 0;
  for (ssize_t size; (size = getline(&line, &room, stdin)) >= 0;) {
    if (size && line[size - 1] == '\n') size--;
    ptb_tokenize(&ptb, line, (size_t)size);
    puts(ptb_joined(&ptb));
  }
  free(line);
  ptb_free(&ptb);
  return 0;
}
