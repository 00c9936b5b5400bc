/* METEOR's alignment of a caption with one reference: of all matches that the modules found, those that cover each word at
 * most once, chosen by beam search (Denkowski and Lavie 2011, section 2; meteor_align.c tells what METEOR 1.5 really does). */
#ifndef TROUPE_SCORE_METEOR_ALIGN_H
#define TROUPE_SCORE_METEOR_ALIGN_H

#include <stddef.h>
#include <stdint.h>

typedef enum MeteorModule { METEOR_EXACT, METEOR_STEM, METEOR_SYNONYM, METEOR_PARAPHRASE, METEOR_MODULES } MeteorModule;

/* Words of the candidate that stand for words of the reference; one and one, but for paraphrases. */
typedef struct MeteorMatch {
  int32_t candidate, candidate_length, reference, reference_length; /* places in words */
  MeteorModule module;
} MeteorMatch;

/* A match as the search wants it. */
typedef struct MeteorOption {
  int32_t match, gain, distance;
  int32_t candidate, candidate_end, reference_end; /* places; the end is behind the last word */
} MeteorOption;

typedef struct MeteorStep {
  int32_t before, match; /* the path's step before it, or -1 */
} MeteorStep;

/* Scratch that only grows. The caller adds the matches. */
typedef struct MeteorAligner {
  MeteorMatch *matches; /* owned: [count] */
  int count, room;
  MeteorOption *options; /* owned: [count] matches by place in the reference */
  int32_t *first;        /* owned: [reference words + 2]: those of each place in `options` */
  int32_t *covers;       /* owned: [candidate words + reference words] matches on each word */
  int32_t *choices;      /* owned: [reference words] matches at each place, 0 where one is alone */
  int32_t
      *branches; /* owned: [reference words + 1] the most paths that one becomes from there on, or more than the beam */
  uint64_t *future;  /* owned: [reference words + 1, blocks] candidate's words that they may use, a bit each */
  MeteorStep *steps; /* owned: of all paths */
  uint64_t *used;    /* owned: [steps, blocks] candidate's words that a step and those before it chose, a bit each */
  int32_t *chosen;   /* owned: [chosen_count] the alignment's matches, by place in the reference from the last */
  int blocks;        /* of 64 words */
  int first_room, covers_room, choices_room, branches_room, future_room, steps_used, steps_room, used_room,
      chosen_count, chosen_room;
} MeteorAligner;

void meteor_aligner_free(MeteorAligner *aligner); /* idempotent; initialise with {0} */

void meteor_match_clear(MeteorAligner *aligner);
void meteor_match_add(MeteorAligner *aligner, MeteorMatch match);

/* Aligns captions of so many words by aligner->matches. Fills aligner->chosen and returns the number of chunks. */
int meteor_align(MeteorAligner *aligner, int candidate_words, int reference_words);

#endif
