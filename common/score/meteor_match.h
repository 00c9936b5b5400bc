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

/* A phrase of a caption that the paraphrase table has. */
typedef struct MeteorPhrase {
  uint32_t id;
  uint32_t paraphrase_first, paraphrase_end;
  int32_t start, length;
} MeteorPhrase;

/* One that it may have, by its key; or that it has, by its id: a word alone. */
typedef struct MeteorMaybe {
  uint64_t key;
  int64_t id; /* -1: not known yet */
  int32_t caption, start, length;
} MeteorMaybe;

/* Those of one caption. */
typedef struct MeteorPhrases {
  int first, count;    /* in the matcher's `phrases`, by start, then length */
  uint64_t filter[16]; /* a bit for the hash of each id */
} MeteorPhrases;

typedef struct MeteorMatcher {
  MeteorLink *links; /* owned: [links_used] of the candidate */
  int32_t *link;     /* owned: [words] the first of each of the lexicon's words, or -1 */
  int links_used, links_room, words;
  MeteorCaption *captions; /* owned: [captions_used] the candidate, then the references */
  MeteorPhrases *of;       /* owned: [captions_used] */
  MeteorPhrase *phrases;   /* owned: of all captions */
  MeteorMaybe *maybe;      /* owned: scratch, [phrases_room] like phrases */
  uint64_t *keys;          /* owned: scratch, [phrases_room] */
  int captions_used, captions_room, phrases_room;
} MeteorMatcher;

void meteor_matcher_free(MeteorMatcher *matcher); /* idempotent; initialise with {0} */

/* What follows is matched: all captions at once, so that one waits for the memory while another is worked at. */
void meteor_match_captions(MeteorMatcher *matcher, const MeteorLexicon *lexicon, MeteorCaption candidate,
                           const MeteorCaption *references, int count);
/* All matches of the candidate with a reference, in place of those that the aligner has. */
void meteor_match_reference(const MeteorMatcher *matcher, const MeteorLexicon *lexicon, int reference,
                            MeteorAligner *aligner);

#endif
