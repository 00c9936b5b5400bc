/* Beam search over the reference's words from left to right. The published description leaves open what decides between
 * alignments that are equally good; the following, found by experiment, gives METEOR 1.5's results:
 * - A match whose words, on both sides, no other match covers is taken beforehand.
 * - Paths rank by gain, then fewer chunks, then less distance, then the order in which they were made: a path's matches in
 *   the order of the modules, then the path that leaves the word unmatched.
 * - Gain counts the words that matches cover on both sides, each match's share being weight times words without the
 *   fraction: so one-word matches of stems, synonyms and paraphrases gain nothing, and are taken only where they cost no
 *   chunk. A chunk costs when it ends.
 * - Distance, |place in the reference - place in the candidate| of a match, is put down to the paths that do not take the
 *   match: to those with the matches tried after it, and to the one without any.
 * - A paraphrase that the table has in both directions is two matches (and so is never taken beforehand).
 * Two paths that have the same matches before them, and their last chunk's end in common, go the same ways from there; so only
 * the better one is kept, once it is certain that the beam will cut no path off any more: until then both take up room in it. */
#include "common/score/meteor_align.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

enum { BEAM = 40 };

/* A partial alignment: matches of the reference's words up to some place. */
typedef struct Path {
  int64_t worth;     /* gain * GAIN - chunks that have ended * CHUNK - distance: the more the better */
  int32_t end;       /* the candidate's word behind the last match, or -1 when no chunk is open */
  int32_t free_from; /* the reference's word behind the last match */
  int32_t step;      /* of the last match before `match`; step 0 is before all */
  int32_t match;     /* taken at the place at hand, -1 for none */
  int32_t parent;    /* among the paths up to the place before */
} Path;

typedef struct Paths {
  Path paths[BEAM]; /* [count] the best first */
  int count;
} Paths;

/* One number ranks paths of captions up to some 3,000 words; of longer ones a distance may count as a chunk. */
#define GAIN  ((int64_t)1 << 47)
#define CHUNK ((int64_t)1 << 34)

/* weights 1, .6, .8, .6 in tenths */
static const int WEIGHT[METEOR_MODULES] = {10, 6, 8, 6};

static int32_t gain_of(const MeteorMatch *match) {
  int weight = WEIGHT[match->module];
  return weight * match->candidate_length / 10 + weight * match->reference_length / 10;
}

static void *grown(void *block, int *room, int wanted, size_t item) {
  if (wanted <= *room) return block;
  *room = wanted * 2 + 32;
  return xrealloc(block, item * (size_t)*room);
}

/* --- matches ----------------------------------------------------------------------------------------------------- */

void meteor_match_clear(MeteorAligner *aligner) { aligner->count = 0; }

void meteor_match_add(MeteorAligner *aligner, MeteorMatch match) {
  int room = aligner->room;
  aligner->matches = grown(aligner->matches, &room, aligner->count + 1, sizeof *aligner->matches);
  if (room != aligner->room) aligner->options = xrealloc(aligner->options, sizeof *aligner->options * (size_t)room);
  aligner->room = room;
  aligner->matches[aligner->count++] = match;
}

static MeteorOption option_of(const MeteorMatch *match, int32_t index) {
  return (MeteorOption){.match = index,
                        .gain = gain_of(match),
                        .distance = abs(match->reference - match->candidate),
                        .candidate = match->candidate,
                        .candidate_end = match->candidate + match->candidate_length,
                        .reference_end = match->reference + match->reference_length};
}

/* Matches by place in the reference, in the order they were added; and how many cover each word. */
static void matches_sort(MeteorAligner *aligner, int candidate_words, int reference_words) {
  int words = candidate_words + reference_words;
  aligner->first = grown(aligner->first, &aligner->first_room, reference_words + 2, sizeof *aligner->first);
  aligner->covers = grown(aligner->covers, &aligner->covers_room, words + 1, sizeof *aligner->covers);
  memset(aligner->first, 0, sizeof *aligner->first * ((size_t)reference_words + 2));
  memset(aligner->covers, 0, sizeof *aligner->covers * ((size_t)words + 1));
  for (int m = 0; m < aligner->count; m++) {
    const MeteorMatch *match = &aligner->matches[m];
    aligner->first[match->reference + 2]++;
    for (int i = 0; i < match->candidate_length; i++) aligner->covers[match->candidate + i]++;
    for (int i = 0; i < match->reference_length; i++) aligner->covers[candidate_words + match->reference + i]++;
  }
  for (int r = 2; r < reference_words + 2; r++) aligner->first[r] += aligner->first[r - 1];
  for (int m = 0; m < aligner->count; m++)
    aligner->options[aligner->first[aligner->matches[m].reference + 1]++] = option_of(&aligner->matches[m], m);
}

/* No other match covers any of its words. */
static bool is_alone(const MeteorAligner *aligner, const MeteorMatch *match, int candidate_words) {
  for (int i = 0; i < match->candidate_length; i++)
    if (aligner->covers[match->candidate + i] != 1) return false;
  for (int i = 0; i < match->reference_length; i++)
    if (aligner->covers[candidate_words + match->reference + i] != 1) return false;
  return true;
}

/* Is there a match at the reference's word r that is alone? Then it is the only one. */
static bool has_alone(const MeteorAligner *aligner, int r) {
  return aligner->first[r] < aligner->first[r + 1] && !aligner->choices[r];
}

static void words_mark(uint64_t *words, int first, int end) {
  for (int i = first; i < end; i++) words[i >> 6] |= (uint64_t)1 << (i & 63);
}

/* What can still happen from each place of the reference on: the most paths that one can become, and the candidate's words that
 * these would use. A match that is alone leaves no choice. */
static void futures_fill(MeteorAligner *aligner, int candidate_words, int reference_words) {
  size_t blocks = (size_t)aligner->blocks;
  aligner->branches = grown(aligner->branches, &aligner->branches_room, reference_words + 1, sizeof *aligner->branches);
  aligner->choices = grown(aligner->choices, &aligner->choices_room, reference_words, sizeof *aligner->choices);
  aligner->future =
      grown(aligner->future, &aligner->future_room, (reference_words + 1) * aligner->blocks, sizeof *aligner->future);
  aligner->branches[reference_words] = 1;
  memset(aligner->future + (size_t)reference_words * blocks, 0, sizeof *aligner->future * blocks);
  for (int r = reference_words - 1; r >= 0; r--) {
    uint64_t *future = aligner->future + (size_t)r * blocks;
    for (size_t b = 0; b < blocks; b++) future[b] = future[b + blocks];
    int first = aligner->first[r], end = aligner->first[r + 1];
    bool alone = first < end && is_alone(aligner, &aligner->matches[aligner->options[first].match], candidate_words);
    aligner->choices[r] = alone ? 0 : end - first;
    for (int i = first; i < first + aligner->choices[r]; i++)
      words_mark(future, aligner->options[i].candidate, aligner->options[i].candidate_end);
    int branches = aligner->branches[r + 1] * (1 + aligner->choices[r]);
    aligner->branches[r] = branches < BEAM ? branches : BEAM + 1;
  }
}

/* --- paths ------------------------------------------------------------------------------------------------------- */

/* Adds a path that is made after those that are there, which are fewer than BEAM. Mostly it is the worst, too. */
static void paths_add(Paths *paths, Path path) {
  int at = paths->count++;
  for (; at > 0 && path.worth > paths->paths[at - 1].worth; at--) paths->paths[at] = paths->paths[at - 1];
  paths->paths[at] = path;
}

/* Was `a` made before `b`? Of two with one parent it was. */
static bool is_first(const Path *a, const Path *b) {
  return a->worth != b->worth ? a->worth > b->worth : a->parent <= b->parent;
}

/* The best BEAM of both. */
static void paths_join(const Paths *a, const Paths *b, Paths *joined) {
  int i = 0, j = 0, count = 0;
  while (count < BEAM && (i < a->count || j < b->count)) {
    bool first = j == b->count || (i < a->count && is_first(&a->paths[i], &b->paths[j]));
    joined->paths[count++] = first ? a->paths[i++] : b->paths[j++];
  }
  joined->count = count;
}

/* The candidate's words that a step and those before it have matched, a bit each. */
static uint64_t *used_by(const MeteorAligner *aligner, int32_t step) {
  return aligner->used + (size_t)step * (size_t)aligner->blocks;
}

static bool is_used(const uint64_t *used, const MeteorOption *option) {
  for (int i = option->candidate; i < option->candidate_end; i++)
    if (used[i >> 6] >> (i & 63) & 1) return true;
  return false;
}

static void path_take(Path *path, const MeteorOption *option) {
  path->worth += option->gain * GAIN - (path->end >= 0 && path->end != option->candidate ? CHUNK : 0);
  path->end = option->candidate_end;
  path->free_from = option->reference_end;
}

/* Without a match at the reference's word r, unless the last one covers it. */
static void path_pass(Path *path, int r) {
  if (path->free_from > r) return;
  if (path->end >= 0) path->worth -= CHUNK;
  path->end = -1;
}

static void swap(Paths **a, Paths **b) {
  Paths *other = *a;
  *a = *b;
  *b = other;
}

/* The search: paths up to the place at hand, and what they become there. */
typedef struct Search {
  Paths *paths, *next, *more, *spare;
  Paths all[4];
} Search;

/* Adds `more` to `next`; of equals with one parent those of `next` go before. */
static void more_join(Search *search) {
  if (search->next->count) {
    paths_join(search->next, search->more, search->spare);
    swap(&search->next, &search->spare);
  } else {
    swap(&search->next, &search->more);
  }
  search->more->count = 0;
}

/* Every path that can takes the match. What it becomes by the matches after it, and without any, has the distance to bear. */
static void option_take(const MeteorAligner *aligner, Search *search, const MeteorOption *option, int r) {
  for (int p = 0; p < search->paths->count; p++) {
    Path *path = &search->paths->paths[p], taken = *path;
    if (path->free_from > r || is_used(used_by(aligner, path->step), option)) continue;
    path_take(&taken, option);
    taken.match = option->match;
    taken.parent = p;
    paths_add(search->more, taken);
    path->worth -= option->distance;
  }
  more_join(search);
}

/* What the paths become at the reference's word r, where there is no choice. */
static void paths_go_on(const MeteorAligner *aligner, Paths *paths, int r) {
  bool alone = has_alone(aligner, r);
  int count = paths->count;
  paths->count = 0;
  for (int p = 0; p < count; p++) {
    Path path = paths->paths[p];
    if (alone) path_take(&path, &aligner->options[aligner->first[r]]);
    else path_pass(&path, r);
    paths_add(paths, path); /* at p or before it */
  }
}

/* What the paths become where there is a choice. Made one match after the other, each in the order of the paths, they are nearly
 * sorted. */
static void paths_branch(const MeteorAligner *aligner, Search *search, int r) {
  search->next->count = search->more->count = 0;
  for (int i = aligner->first[r]; i < aligner->first[r + 1]; i++) option_take(aligner, search, &aligner->options[i], r);
  for (int p = 0; p < search->paths->count; p++) {
    Path path = search->paths->paths[p];
    path_pass(&path, r);
    path.parent = p;
    paths_add(search->more, path);
  }
  more_join(search);
  swap(&search->paths, &search->next);
}

/* The match that the path has just taken becomes a step. */
static void step_add(MeteorAligner *aligner, Path *path) {
  if (path->match < 0) return;
  int32_t step = aligner->steps_used++;
  aligner->steps = grown(aligner->steps, &aligner->steps_room, step + 1, sizeof *aligner->steps);
  aligner->used = grown(aligner->used, &aligner->used_room, (step + 1) * aligner->blocks, sizeof *aligner->used);
  aligner->steps[step] = (MeteorStep){path->step, path->match};
  const uint64_t *before = used_by(aligner, path->step);
  uint64_t *used = used_by(aligner, step);
  for (int b = 0; b < aligner->blocks; b++) used[b] = before[b];
  words_mark(used, aligner->matches[path->match].candidate, path->end);
  path->step = step;
  path->match = -1;
}

/* The same can become of both from the reference's word r on. */
static bool is_same(const MeteorAligner *aligner, const Path *a, const Path *b, int r) {
  if (a->end != b->end) return false;
  if (a->free_from != b->free_from && (a->free_from > r || b->free_from > r)) return false;
  const uint64_t *x = used_by(aligner, a->step), *y = used_by(aligner, b->step);
  const uint64_t *future = aligner->future + (size_t)r * (size_t)aligner->blocks;
  for (int i = 0; i < aligner->blocks; i++)
    if ((x[i] ^ y[i]) & future[i]) return false;
  return true;
}

/* Drops the paths that are the same as a better one. */
static void paths_merge(const MeteorAligner *aligner, Paths *paths, int r) {
  int kept = 1;
  for (int p = 1; p < paths->count; p++) {
    int q = 0;
    while (q < kept && !is_same(aligner, &paths->paths[p], &paths->paths[q], r)) q++;
    if (q == kept) paths->paths[kept++] = paths->paths[p];
  }
  paths->count = kept;
}

/* The steps up to `step` and the matches that are alone; returns how many chunks they are. */
static int chosen_fill(MeteorAligner *aligner, int32_t step, int reference_words) {
  aligner->chosen = grown(aligner->chosen, &aligner->chosen_room, reference_words, sizeof *aligner->chosen);
  int count = 0, chunks = 0;
  for (int r = reference_words - 1, next_c = -1, next_r = -1; r >= 0; r--) { /* next: where the match behind begins */
    const MeteorStep *taken = &aligner->steps[step];
    bool chosen = step > 0 && aligner->matches[taken->match].reference == r;
    if (!chosen && !has_alone(aligner, r)) continue;
    int32_t index = chosen ? taken->match : aligner->options[aligner->first[r]].match;
    const MeteorMatch *match = &aligner->matches[index];
    if (chosen) step = taken->before;
    aligner->chosen[count++] = index;
    chunks +=
        match->candidate + match->candidate_length != next_c || match->reference + match->reference_length != next_r;
    next_c = match->candidate;
    next_r = match->reference;
  }
  aligner->chosen_count = count;
  return chunks;
}

/* Step 0 has matched nothing. */
static void steps_clear(MeteorAligner *aligner, int candidate_words) {
  aligner->blocks = candidate_words / 64 + 1;
  aligner->steps = grown(aligner->steps, &aligner->steps_room, 1, sizeof *aligner->steps);
  aligner->used = grown(aligner->used, &aligner->used_room, aligner->blocks, sizeof *aligner->used);
  memset(aligner->used, 0, sizeof *aligner->used * (size_t)aligner->blocks);
  aligner->steps_used = 1;
}

int meteor_align(MeteorAligner *aligner, int candidate_words, int reference_words) {
  matches_sort(aligner, candidate_words, reference_words);
  steps_clear(aligner, candidate_words);
  futures_fill(aligner, candidate_words, reference_words);
  Search search;
  search.paths = &search.all[0];
  search.next = &search.all[1];
  search.more = &search.all[2];
  search.spare = &search.all[3];
  search.paths->paths[0] = (Path){.end = -1, .match = -1};
  search.paths->count = 1;
  for (int r = 0; aligner->branches[r] > 1 || search.paths->count > 1; r++) {
    if (r < reference_words && aligner->choices[r]) paths_branch(aligner, &search, r);
    else paths_go_on(aligner, search.paths, r);
    if (r == reference_words) break; /* behind the last word, where open chunks end */
    Paths *paths = search.paths;
    for (int p = 0; p < paths->count; p++) step_add(aligner, &paths->paths[p]);
    if (paths->count * aligner->branches[r + 1] <= BEAM) paths_merge(aligner, paths, r + 1);
  }
  return chosen_fill(aligner, search.paths->paths[0].step, reference_words);
}

void meteor_aligner_free(MeteorAligner *aligner) {
  free(aligner->matches);
  free(aligner->options);
  free(aligner->first);
  free(aligner->covers);
  free(aligner->choices);
  free(aligner->branches);
  free(aligner->future);
  free(aligner->used);
  free(aligner->steps);
  free(aligner->chosen);
  *aligner = (MeteorAligner){0};
}
