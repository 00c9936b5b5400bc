/* Score sets: references and candidates, picture by picture. Which picture of the one file is which of the other, and what
 * is missing, extra or uneven. */
#ifndef TROUPE_TOOL_SCORE_SETS_H
#define TROUPE_TOOL_SCORE_SETS_H

#include <stdbool.h>

#include "common/data/captions_map.h"
#include "common/score/evaluate.h"

typedef struct ScoreSets {
  const char *reference_path, *candidate_path; /* borrowed; for messages */
  const char *split;                           /* pictures of this split of the references only; NULL: all */
  const char *images;                          /* a file of picture ids, one a line: those only; NULL: all */
  bool subset;                                 /* only pictures that have candidates */
  CaptionMap references, candidates;
  int *reference; /* owned: [count] picture of `references` */
  int *candidate; /* owned: [count] its picture of `candidates` */
  int count, group;
} ScoreSets;

/* Reads both files and matches them, in the order of the references. Errors list the first few pictures that have no
 * candidate, no reference, or another number of candidates than the first. */
Status score_sets_read(ScoreSets *sets);
void score_sets_free(ScoreSets *sets); /* idempotent */

/* Id of picture `index`, as the candidates' file spells it. Borrowed. */
const char *score_sets_id(const ScoreSets *sets, int index);
/* Tokenises all captions into the evaluation. */
void score_sets_add(const ScoreSets *sets, Evaluation *evaluation);

#endif
