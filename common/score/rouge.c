/* ROUGE-L by dynamic programming over one row. */
#include "common/score/rouge.h"

#include <stdlib.h>
#include <string.h>

void rouge_scratch_free(RougeScratch *scratch) {
  free(scratch->row);
  *scratch = (RougeScratch){0};
}

/* row[j] = longest common subsequence of the words of a seen so far and b[0..j). */
static int common_subsequence(RougeScratch *scratch, WordSpan a, WordSpan b) {
  if (scratch->room <= b.count) {
    scratch->room = b.count + 64;
    scratch->row = xrealloc(scratch->row, sizeof *scratch->row * (size_t)scratch->room);
  }
  int32_t *row = scratch->row;
  memset(row, 0, sizeof *row * ((size_t)b.count + 1));
  for (int i = 0; i < a.count; i++) {
    int32_t diagonal = 0;
    for (int j = 0; j < b.count; j++) {
      int32_t above = row[j + 1];
      if (a.words[i] == b.words[j]) row[j + 1] = diagonal + 1;
      else if (row[j] > above) row[j + 1] = row[j];
      diagonal = above;
    }
  }
  return row[b.count];
}

double rouge_l(RougeScratch *scratch, WordSpan candidate, const WordSpan *references, int count) {
  const uint64_t empty_word = ngram_word("", 0);
  const WordSpan empty = {&empty_word, 1};
  if (!candidate.count) candidate = empty;
  double precision = 0, recall = 0;
  for (int r = 0; r < count; r++) {
    WordSpan reference = references[r].count ? references[r] : empty;
    double common = common_subsequence(scratch, candidate, reference);
    double p = common / candidate.count, q = common / reference.count;
    if (p > precision) precision = p;
    if (q > recall) recall = q;
  }
  if (precision == 0 || recall == 0) return 0;
  const double beta2 = ROUGE_BETA * ROUGE_BETA;
  return (1 + beta2) * precision * recall / (recall + beta2 * precision);
}
