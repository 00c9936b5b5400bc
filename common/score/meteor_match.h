/* The matches of a candidate with its references, one after the other: equal words, words with one stem, words with a common
 * synonym set, phrases that are paraphrases. */
#ifndef TROUPE_SCORE_METEOR_MATCH_H
#define TROUPE_SCORE_METEOR_MATCH_H

#include <stdbool.h>

#include "common/score/meteor_align.h"
#include "common/score/meteor_lexicon.h"

/* A caption as words of one lexicon; borrowed. */
typedef struct MeteorCaption {
  const int32_t *words; /* [count] */
  int count;
} MeteorCaption;

/* A word that matches a word of the candidate. */
typedef struct MeteorLink {
  int32_t word;
  int32_t candidate; /* the place */
  MeteorModule module;
  int32_t next; /* of the same word: by module, then by place; -1 for the last */
} MeteorLink;

/* A phrase of a caption that the paraphrase table may know, or knows. */
typedef struct MeteorPhrase {
  uint64_t key;
  int64_t id;
  uint32_t paraphrase_first, paraphrase_end;
  int32_t start, length;
} MeteorPhrase;

typedef struct MeteorPhrases {
  MeteorPhrase *phrases; /* owned: [count] by start, then length */
  int count, room;
  uint64_t filter[16]; /* a bit for the hash of each id */
} MeteorPhrases;

typedef struct MeteorMatcher {
  MeteorLink *links; /* owned: [links_used] of the candidate */
  int32_t *link;     /* owned: [words] the first of each of the lexicon's words, or -1 */
  int links_used, links_room, words;
  MeteorPhrases candidate, reference;
} MeteorMatcher;

void meteor_matcher_free(MeteorMatcher *matcher); /* idempotent; initialise with {0} */

/* What follows is matched with `candidate`. */
void meteor_match_candidate(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption candidate);
/* All matches of the candidate with `reference`, in place of those that the aligner has. */
void meteor_match_reference(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption reference,
                            MeteorAligner *aligner);

#endif
