/* Encodes standard input, one caption a line, with a vocabulary of pieces: ids, a tab, the text that they decode to. For the
 * comparison with the reference tokenisers (tests/reference/compare_pieces.py).
 *
 * usage: encode_lines wordpiece vocab.txt | encode_lines bpe vocab.json [merges.txt] */
#include <stdio.h>
#include <stdlib.h>

#include "common/data/pieces.h"

enum { STRIDE = 4096 };

int main(int argc, char **argv) {
  static int32_t ids[STRIDE];
  Pieces pieces;
  VocabularyKind kind;
  if (argc < 3 || !vocabulary_kind_find(argv[1], &kind) || kind == VOCABULARY_WORDS) return 2;
  if (pieces_read(&pieces, kind, argv[2], argc > 3 ? argv[3] : NULL) != OK) {
    fprintf(stderr, "%s\n", status_message());
    return 2;
  }
  char *line = NULL;
  size_t room = 0;
  for (ssize_t size; (size = getline(&line, &room, stdin)) >= 0;) {
    if (size && line[size - 1] == '\n') line[size - 1] = 0;
    int length = pieces_encode(&pieces, line, ids, STRIDE);
    for (int i = 0; i < length; i++) printf("%s%d", i ? " " : "", (int)ids[i]);
    char *text = vocabulary_text(kind, pieces.vocabulary.tokens.text, pieces.vocabulary.tokens.count, ids, length);
    printf("\t%s\n", text);
    free(text);
  }
  free(line);
  pieces_free(&pieces);
  return 0;
}
