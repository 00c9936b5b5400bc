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

#include "common/score/meteor_match.h"
#include "common/score/meteor_words.h"

/* Sufficient statistics: those of a corpus are the sums over its captions, but for the chunk of a caption that is matched as
 * a whole. [0] is the candidate, [1] the reference. */
typedef struct MeteorStats {
  double words[2], function_words[2];
  double content[METEOR_MODULES][2], function[METEOR_MODULES][2]; /* words matched, by module */
  double matched[2];                                              /* the same in all */
  double chunks;
} MeteorStats;

typedef struct Meteor {
  MeteorLexicon lexicon;
  MeteorText text;
  MeteorMatcher matcher;
  MeteorAligner aligner;
} Meteor;

void meteor_init(Meteor *meteor, const MeteorData *data); /* borrows data */
void meteor_free(Meteor *meteor);                         /* idempotent */

/* Normalises a tokenised caption and appends its words to `*words` (owned by the caller, grown by realloc; *used and *room
 * in words). Returns how many were appended. */
int meteor_words_append(Meteor *meteor, const char *caption, int32_t **words, size_t *used, size_t *room);

/* Statistics against the reference with the highest score; of equals the first. count > 0. */
MeteorStats meteor_stats(Meteor *meteor, MeteorCaption candidate, const MeteorCaption *references, int count);
void meteor_stats_add(MeteorStats *sum, const MeteorStats *one);
double meteor_score(const MeteorStats *stats);

#endif
