/* METEOR 1.5 for English (Denkowski and Lavie, "Meteor Universal", WMT 2014; "Meteor 1.3", WMT 2011) as the COCO caption
 * evaluation calls it (-l en -norm): words are matched exactly, by stem (Snowball English), by WordNet synonym and by
 * paraphrase; a parametrised F mean of the weighted matches, discounted by how many chunks they fall into.
 *
 *   P = sum_m w_m (delta c_m + (1 - delta) f_m) / (delta c + (1 - delta) f) of the candidate's content and function words,
 *   R the same of the reference's, F = P R / (alpha P + (1 - alpha) R), score = F (1 - gamma (chunks / matches)^beta);
 *   alpha .85, beta .2, gamma .6, delta .75, w = exact 1, stem .6, synonym .8, paraphrase .6; matches: mean of both sides.
 *
 * The data are shared and read-only; a Meteor is one thread's scratch and its memory of words. */
#ifndef TROUPE_SCORE_METEOR_H
#define TROUPE_SCORE_METEOR_H

#include <stdbool.h>

#include "common/score/meteor_align.h"
#include "common/score/meteor_data.h"
#include "common/score/meteor_words.h"

/* Sufficient statistics: those of a corpus are the sums over its captions, but for the chunk of a caption that is matched as
 * a whole. [0] is the candidate, [1] the reference. */
typedef struct MeteorStats {
  double words[2], function_words[2];
  double content[METEOR_MODULES][2], function[METEOR_MODULES][2]; /* words matched, by module */
  double matched[2];                                              /* the same in all */
  double chunks;
} MeteorStats;

/* What is known of a word, looked up once. */
typedef struct MeteorWord {
  uint64_t hash, stem;              /* of the word and of its stem: equal words have equal stems */
  uint64_t sense_filter[4];         /* a bit for each synonym set: words without a common bit have no common set */
  int32_t sense_first, sense_count; /* its synonym sets, rising, in `senses` */
  bool function;
} MeteorWord;

/* A phrase of a caption that the paraphrase table knows. */
typedef struct MeteorPhrase {
  uint32_t id;
  uint32_t paraphrase_first, paraphrase_end;
  int32_t start, length;
} MeteorPhrase;

/* A phrase of a caption that the table may know. */
typedef struct MeteorKey {
  uint64_t key;
  int32_t start, length;
} MeteorKey;

typedef struct MeteorPhrases {
  MeteorPhrase *phrases; /* owned: [count] by start, then length */
  int count, room;
  uint64_t filter[16]; /* a bit for the hash of each id */
} MeteorPhrases;

enum { METEOR_PAIRS = 32768 };

typedef struct Meteor {
  const MeteorData *data; /* borrowed */
  void *stemmer;          /* owned: libstemmer's */
  MeteorText text;
  MeteorWord *words; /* owned: every word met so far */
  int32_t *slots;    /* owned: open addressing, word + 1, 0 = free */
  uint32_t *senses;  /* owned */
  int words_used, words_room, senses_used, senses_room;
  uint32_t mask; /* slots - 1 */
  uint64_t *
      pairs; /* owned: [METEOR_PAIRS] of two words the last time: a hash of both, its lowest bit: have a common sense */
  MeteorAligner aligner;
  MeteorPhrases candidate_phrases, reference_phrases;
  MeteorKey *keys;                               /* owned: scratch, of a caption's phrases */
  MeteorWord *candidate_words, *reference_words; /* owned: scratch, of the captions being matched */
  int keys_room, candidate_room, reference_room;
} Meteor;

void meteor_init(Meteor *meteor, const MeteorData *data); /* borrows data */
void meteor_free(Meteor *meteor);                         /* idempotent */

/* A caption as words of one Meteor; borrowed. */
typedef struct MeteorCaption {
  const int32_t *words; /* [count] */
  int count;
} MeteorCaption;

/* Normalises a tokenised caption and appends its words to `*words` (owned by the caller, grown by realloc; *used and *room
 * in words). Returns how many were appended. */
int meteor_words_append(Meteor *meteor, const char *caption, int32_t **words, size_t *used, size_t *room);

/* Statistics against the reference with the highest score; of equals the first. count > 0. */
MeteorStats meteor_stats(Meteor *meteor, MeteorCaption candidate, const MeteorCaption *references, int count);
void meteor_stats_add(MeteorStats *sum, const MeteorStats *one);
double meteor_score(const MeteorStats *stats);

#endif
