/* METEOR: a caption's words, and the score from what is matched. */
#include "common/score/meteor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA 0.85
#define BETA  0.2
#define GAMMA 0.6
#define DELTA 0.75
static const double WEIGHT[METEOR_MODULES] = {1, 0.6, 0.8, 0.6};

void meteor_init(Meteor *meteor, const MeteorData *data) {
  *meteor = (Meteor){0};
  meteor_lexicon_init(&meteor->lexicon, data);
}

void meteor_free(Meteor *meteor) {
  meteor_lexicon_free(&meteor->lexicon);
  meteor_text_free(&meteor->text);
  meteor_matcher_free(&meteor->matcher);
  meteor_aligner_free(&meteor->aligner);
}

int meteor_words_append(Meteor *meteor, const char *caption, int32_t **words, size_t *used, size_t *room) {
  int count = meteor_normalize(&meteor->text, meteor->lexicon.data, caption, strlen(caption));
  if (*used + (size_t)count > *room) {
    *room = (*used + (size_t)count) * 2 + 64;
    *words = xrealloc(*words, sizeof **words * *room);
  }
  for (int w = 0; w < count; w++) {
    size_t size;
    const char *word = meteor_text_word(&meteor->text, w, &size);
    (*words)[(*used)++] = meteor_lexicon_word(&meteor->lexicon, word, size);
  }
  return count;
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

static void side_count(const Meteor *meteor, MeteorStats *stats, int side, MeteorCaption caption) {
  stats->words[side] = caption.count;
  for (int w = 0; w < caption.count; w++)
    stats->function_words[side] += meteor->lexicon.words[caption.words[w]].function;
}

static void match_count(const Meteor *meteor, MeteorStats *stats, int side, MeteorModule module, const int32_t *words,
                        int count) {
  for (int w = 0; w < count; w++) {
    double *matched = meteor->lexicon.words[words[w]].function ? stats->function[module] : stats->content[module];
    matched[side]++;
    stats->matched[side]++;
  }
}

/* Of the captions that were matched last. */
static MeteorStats pair_stats(Meteor *meteor, int index) {
  MeteorAligner *aligner = &meteor->aligner;
  MeteorCaption candidate = meteor->matcher.captions[0], reference = meteor->matcher.captions[index + 1];
  meteor_match_reference(&meteor->matcher, &meteor->lexicon, index, aligner);
  MeteorStats stats = {.chunks = meteor_align(aligner, candidate.count, reference.count)};
  side_count(meteor, &stats, 0, candidate);
  side_count(meteor, &stats, 1, reference);
  for (int i = 0; i < aligner->chosen_count; i++) {
    const MeteorMatch *match = &aligner->matches[aligner->chosen[i]];
    match_count(meteor, &stats, 0, match->module, candidate.words + match->candidate, match->candidate_length);
    match_count(meteor, &stats, 1, match->module, reference.words + match->reference, match->reference_length);
  }
  return stats;
}

MeteorStats meteor_stats(Meteor *meteor, MeteorCaption candidate, const MeteorCaption *references, int count) {
  MeteorStats best = {0};
  double best_score = -1;
  meteor_match_captions(&meteor->matcher, &meteor->lexicon, candidate, references, count);
  for (int r = 0; r < count; r++) {
    MeteorStats stats = pair_stats(meteor, r);
    double score = meteor_score(&stats);
    if (score > best_score) {
      best = stats;
      best_score = score;
    }
  }
  return best;
}

/* Everything matched in one chunk: not fragmented at all. */
static bool is_whole(const MeteorStats *stats) {
  return stats->chunks == 1 && stats->matched[0] == stats->words[0] && stats->matched[1] == stats->words[1];
}

void meteor_stats_add(MeteorStats *sum, const MeteorStats *one) {
  for (int side = 0; side < 2; side++) {
    sum->words[side] += one->words[side];
    sum->function_words[side] += one->function_words[side];
    sum->matched[side] += one->matched[side];
    for (int m = 0; m < METEOR_MODULES; m++) {
      sum->content[m][side] += one->content[m][side];
      sum->function[m][side] += one->function[m][side];
    }
  }
  if (!is_whole(one)) sum->chunks += one->chunks;
}

/* Share of a side's words that are matched, weighted. */
static double share(const MeteorStats *stats, int side) {
  double matched = 0;
  for (int m = 0; m < METEOR_MODULES; m++)
    matched += WEIGHT[m] * (DELTA * stats->content[m][side] + (1 - DELTA) * stats->function[m][side]);
  double all = DELTA * (stats->words[side] - stats->function_words[side]) + (1 - DELTA) * stats->function_words[side];
  return all > 0 ? matched / all : 0;
}

double meteor_score(const MeteorStats *stats) {
  double precision = share(stats, 0), recall = share(stats, 1);
  if (!(precision > 0 && recall > 0)) return 0;
  double mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  double fragmentation = is_whole(stats) ? 0 : stats->chunks / ((stats->matched[0] + stats->matched[1]) / 2);
  return mean * (1 - GAMMA * pow(fragmentation, BETA));
}
