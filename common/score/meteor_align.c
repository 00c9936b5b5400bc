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
 * - A paraphrase that the table has in both directions is two matches (and so is never taken beforehand). */
#include "common/score/meteor_align.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

enum { BEAM = 40 };

/* A partial alignment: matches of the reference's words up to some place. */
typedef struct Path {
  int32_t gain, chunks; /* chunks that have ended */
  int64_t distance;
  int32_t end;       /* the candidate's word behind the last match, or -1 when no chunk is open */
  int32_t free_from; /* the reference's word behind the last match */
  int32_t step;      /* of the last match, or -1 */
} Path;

/* A path about to be made: `parent` with `match`, or without any (-1). */
typedef struct Next {
  Path path;
  int32_t parent, match;
} Next;

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
  if (room != aligner->room) aligner->order = xrealloc(aligner->order, sizeof *aligner->order * (size_t)room);
  aligner->room = room;
  aligner->matches[aligner->count++] = match;
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
  for (int m = 0; m < aligner->count; m++) aligner->order[aligner->first[aligner->matches[m].reference + 1]++] = m;
}

/* No other match covers any of its words. */
static bool is_alone(const MeteorAligner *aligner, const MeteorMatch *match, int candidate_words) {
  for (int i = 0; i < match->candidate_length; i++)
    if (aligner->covers[match->candidate + i] != 1) return false;
  for (int i = 0; i < match->reference_length; i++)
    if (aligner->covers[candidate_words + match->reference + i] != 1) return false;
  return true;
}

/* --- paths ------------------------------------------------------------------------------------------------------- */

static bool is_better(const Path *a, const Path *b) {
  if (a->gain != b->gain) return a->gain > b->gain;
  if (a->chunks != b->chunks) return a->chunks < b->chunks;
  return a->distance < b->distance;
}

/* Keeps the best BEAM in rank order; of equals the earlier. */
static int next_insert(Next next[BEAM], int count, Path path, int parent, int match) {
  int at = count;
  while (at > 0 && is_better(&path, &next[at - 1].path)) at--;
  if (at == BEAM) return count;
  if (count < BEAM) count++;
  memmove(next + at + 1, next + at, sizeof *next * (size_t)(count - 1 - at));
  next[at] = (Next){path, parent, match};
  return count;
}

static bool is_used(const uint64_t *used, const MeteorMatch *match) {
  for (int i = match->candidate; i < match->candidate + match->candidate_length; i++)
    if (used[i >> 6] >> (i & 63) & 1) return true;
  return false;
}

static Path path_with(Path path, const MeteorMatch *match) {
  path.gain += gain_of(match);
  if (path.end >= 0 && path.end != match->candidate) path.chunks++;
  path.end = match->candidate + match->candidate_length;
  path.free_from = match->reference + match->reference_length;
  return path;
}

static Path path_without(Path path) {
  if (path.end >= 0) path.chunks++;
  path.end = -1;
  return path;
}

/* What `path` can become at the reference's word r. */
static int path_extend(const MeteorAligner *aligner, Path path, int parent, const uint64_t *used, int r,
                       int candidate_words, Next next[BEAM], int count) {
  if (path.free_from > r) return next_insert(next, count, path, parent, -1);
  int first = aligner->first[r], end = aligner->first[r + 1];
  if (end - first == 1 && is_alone(aligner, &aligner->matches[aligner->order[first]], candidate_words)) {
    int m = aligner->order[first];
    return next_insert(next, count, path_with(path, &aligner->matches[m]), parent, m);
  }
  for (int i = first; i < end; i++) {
    const MeteorMatch *match = &aligner->matches[aligner->order[i]];
    if (is_used(used, match)) continue;
    count = next_insert(next, count, path_with(path, match), parent, aligner->order[i]);
    path.distance += abs(match->reference - match->candidate);
  }
  return next_insert(next, count, path_without(path), parent, -1);
}

static Path next_take(MeteorAligner *aligner, const Next *next, const uint64_t *parent_used, uint64_t *used,
                      int blocks) {
  memcpy(used, parent_used, sizeof *used * (size_t)blocks);
  Path path = next->path;
  if (next->match < 0) return path;
  const MeteorMatch *match = &aligner->matches[next->match];
  for (int i = match->candidate; i < match->candidate + match->candidate_length; i++)
    used[i >> 6] |= (uint64_t)1 << (i & 63);
  aligner->steps = grown(aligner->steps, &aligner->steps_room, aligner->steps_used + 1, sizeof *aligner->steps);
  aligner->steps[aligner->steps_used] = (MeteorStep){path.step, next->match};
  path.step = aligner->steps_used++;
  return path;
}

static void chosen_fill(MeteorAligner *aligner, int32_t step) {
  int count = 0;
  for (int32_t s = step; s >= 0; s = aligner->steps[s].before) count++;
  aligner->chosen = grown(aligner->chosen, &aligner->chosen_room, count, sizeof *aligner->chosen);
  aligner->chosen_count = count;
  for (int32_t s = step; s >= 0; s = aligner->steps[s].before) aligner->chosen[--count] = aligner->steps[s].match;
}

int meteor_align(MeteorAligner *aligner, int candidate_words, int reference_words) {
  matches_sort(aligner, candidate_words, reference_words);
  int blocks = candidate_words / 64 + 1;
  size_t stride = (size_t)blocks, half = BEAM * stride;
  if (half * 2 > aligner->used_room) {
    aligner->used_room = half * 2;
    aligner->used = xrealloc(aligner->used, sizeof *aligner->used * aligner->used_room);
  }
  memset(aligner->used, 0, sizeof *aligner->used * stride);
  aligner->steps_used = 0;
  Path paths[BEAM] = {{.end = -1, .step = -1}};
  Next next[BEAM];
  int count = 1;
  for (int r = 0; r < reference_words; r++) {
    const uint64_t *used = aligner->used + (size_t)(r & 1) * half;
    uint64_t *next_used = aligner->used + (size_t)(~r & 1) * half;
    int made = 0;
    for (int p = 0; p < count; p++)
      made = path_extend(aligner, paths[p], p, used + (size_t)p * stride, r, candidate_words, next, made);
    for (int n = 0; n < made; n++)
      paths[n] =
          next_take(aligner, &next[n], used + (size_t)next[n].parent * stride, next_used + (size_t)n * stride, blocks);
    count = made;
  }
  int best = 0;
  for (int p = 0; p < count; p++) {
    paths[p] = path_without(paths[p]);
    if (is_better(&paths[p], &paths[best])) best = p;
  }
  chosen_fill(aligner, paths[best].step);
  return paths[best].chunks;
}

void meteor_aligner_free(MeteorAligner *aligner) {
  free(aligner->matches);
  free(aligner->order);
  free(aligner->first);
  free(aligner->covers);
  free(aligner->used);
  free(aligner->steps);
  free(aligner->chosen);
  *aligner = (MeteorAligner){0};
}
