/* Beam search, all groups of all pictures in one batch.
 *
 * A nest is one group of one picture; it keeps beam / groups places. Each step ranks the continuations of its live
 * hypotheses by their sum of log-probabilities, less the diversity for each hypothesis that the picture's earlier
 * groups gave the same token at this position (ties: the earlier hypothesis, then the lower token), and takes as many
 * as it has places left; those that end give their place up. The best finished hypothesis by sum / length^penalty wins;
 * hypotheses that were cut at max_length count only where none finished. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/model/decode_step.h"
#include "common/model/draw.h"

/* A caption so far. Position t of its cache is in slot history[t]. */
typedef struct Hypothesis {
  double sum;
  int32_t *tokens, *history; /* [max_length] */
  float *logp;               /* [max_length] */
} Hypothesis;

typedef struct Candidate {
  double value, sum; /* value = sum less what its token costs */
  int parent;        /* live hypothesis, counted over the nest */
  int32_t token;
  float logp;
} Candidate;

typedef struct Search {
  const BeamOptions *options;
  int groups, width, length; /* width = beam / groups */
  Hypothesis *live, *next;   /* [rows]: nest n has live_count[n] of them from n * width on */
  int *live_count, *places;  /* [images x groups] */
  double *best;              /* [images x groups]: score of the best finished hypothesis, which stands in `out` */
  Candidate *candidates;     /* [width] */
  int32_t *taken;            /* [taken_count]: tokens that earlier groups of this picture took at this position */
  int taken_count;
  int32_t *tokens;  /* [width + beam] */
  float *logp;      /* [width + beam] */
  int32_t *history; /* [rows, max_length]: as the step wants it */
  Arena arena;
} Search;

static Hypothesis *hypotheses_take(Arena *arena, int rows, int length) {
  Hypothesis *list = arena_take(arena, (size_t)rows * sizeof *list);
  size_t words = (size_t)length * 4;
  for (int r = 0; r < rows; r++)
    list[r] = (Hypothesis){0, arena_take(arena, words), arena_take(arena, words), arena_take(arena, words)};
  return list;
}

static void search_init(Search *search, int images, int length, const BeamOptions *options) {
  int beam = options->beam, groups = options->groups ? options->groups : 1;
  CHECK(beam > 0 && groups > 0 && beam % groups == 0);
  *search = (Search){.options = options, .groups = groups, .width = beam / groups, .length = length};
  size_t rows = (size_t)images * (size_t)beam, many = 2 * (size_t)beam, words = (size_t)length * 4;
  size_t nests = (size_t)images * (size_t)groups;
  arena_init(&search->arena, 2 * (arena_rounded(rows * sizeof(Hypothesis)) + 3 * rows * arena_rounded(words)) +
                                 3 * arena_rounded(nests * sizeof(double)) + arena_rounded(many * sizeof(Candidate)) +
                                 3 * arena_rounded(many * 4) + arena_rounded(rows * words));
  search->live = hypotheses_take(&search->arena, (int)rows, length);
  search->next = hypotheses_take(&search->arena, (int)rows, length);
  search->live_count = arena_take(&search->arena, nests * sizeof(int));
  search->places = arena_take(&search->arena, nests * sizeof(int));
  search->best = arena_take(&search->arena, nests * sizeof(double));
  search->candidates = arena_take(&search->arena, many * sizeof(Candidate));
  search->taken = arena_take(&search->arena, many * 4);
  search->tokens = arena_take(&search->arena, many * 4);
  search->logp = arena_take(&search->arena, many * 4);
  search->history = arena_take(&search->arena, rows * words);
  for (size_t n = 0; n < nests; n++) {
    search->live_count[n] = 1;
    search->places[n] = search->width;
    search->best[n] = -INFINITY;
    search->live[n * (size_t)search->width].sum = 0;
  }
}

static double score(const Search *search, double sum, int length) {
  float penalty = search->options->length_penalty;
  return penalty == 0 ? sum : sum / pow(length, (double)penalty);
}

/* Copies a hypothesis and one token more to row `nest` of out. */
static void caption_put(CaptionSet *out, int nest, const Hypothesis *from, const Candidate *last, int length) {
  int32_t *tokens = out->tokens + (long)nest * out->max_length;
  float *logp = out->logp + (long)nest * out->max_length;
  memcpy(tokens, from->tokens, (size_t)(length - 1) * sizeof *tokens);
  memcpy(logp, from->logp, (size_t)(length - 1) * sizeof *logp);
  tokens[length - 1] = last->token;
  logp[length - 1] = last->logp;
  out->length[nest] = length;
  out->finished[nest] = last->token == TOKEN_END;
}

static bool before(const Candidate *a, const Candidate *b) {
  if (a->value > b->value || a->value < b->value) return a->value > b->value;
  return a->parent < b->parent || (a->parent == b->parent && a->token < b->token);
}

/* The best continuations of a nest's hypotheses, which end at position t; returns how many. No more tokens can fall
 * behind than were taken: the `places` best are among so many more by log-probability alone. */
static int candidates_rank(Search *search, const Hypothesis *live, int live_count, int places, int t,
                           const float *logits, int v) {
  Candidate *list = search->candidates;
  Forbidden forbidden;
  int count = 0;
  for (int p = 0; p < live_count; p++) {
    forbidden_find(&forbidden, &search->options->rules, v, live[p].tokens, t);
    int found =
        draw_best(logits + (long)p * v, v, &forbidden, places + search->taken_count, search->tokens, search->logp);
    for (int i = 0; i < found; i++) {
      int32_t token = search->tokens[i];
      int times = 0;
      for (int k = 0; k < search->taken_count; k++) times += search->taken[k] == token;
      double sum = live[p].sum + (double)search->logp[i];
      Candidate c = {sum - times * (double)search->options->diversity, sum, p, token, search->logp[i]};
      if (count == places && !before(&c, &list[count - 1])) continue;
      int place = count < places ? count++ : count - 1;
      for (; place > 0 && before(&c, &list[place - 1]); place--) list[place] = list[place - 1];
      list[place] = c;
    }
  }
  return count;
}

static void child_make(const Hypothesis *parent, const Candidate *c, int t, int parent_slot, Hypothesis *child) {
  size_t words = (size_t)t * 4;
  memcpy(child->tokens, parent->tokens, words);
  memcpy(child->logp, parent->logp, words);
  memcpy(child->history, parent->history, words);
  child->tokens[t] = c->token;
  child->logp[t] = c->logp;
  child->history[t] = parent_slot;
  child->sum = c->sum;
}

/* Sums only fall, so no live hypothesis can end better than its sum at the kindest length. But what a nest takes weighs on
 * the later groups of its picture, as long as they live. */
static bool nest_over(const Search *search, int nest, int kept, bool finished) {
  if (!finished || search->options->length_penalty < 0) return false;
  const Hypothesis *next = search->next + (long)nest * search->width;
  for (int i = 0; i < kept; i++)
    if (search->best[nest] < score(search, next[i].sum, search->length)) return false;
  bool weighs = search->options->diversity != 0;
  for (int later = nest + 1; weighs && later % search->groups; later++)
    if (search->live_count[later]) return false;
  return true;
}

/* Moves a nest on by the token at position t; logits: rows of its live hypotheses. */
static void nest_advance(Search *search, int nest, int t, const float *logits, int v, CaptionSet *out) {
  Hypothesis *live = search->live + (long)nest * search->width, *next = search->next + (long)nest * search->width;
  int count = candidates_rank(search, live, search->live_count[nest], search->places[nest], t, logits, v), kept = 0;
  for (int i = 0; i < count; i++) {
    const Candidate *c = &search->candidates[i];
    const Hypothesis *parent = &live[c->parent];
    double value = score(search, c->sum, t + 1);
    bool ended = c->token == TOKEN_END, had = out->finished[nest];
    if (search->options->diversity != 0 && search->groups > 1) search->taken[search->taken_count++] = c->token;
    if (ended) search->places[nest]--;
    if (ended ? !had || value > search->best[nest]
              : t + 1 == search->length && !had && !(value <= search->best[nest])) {
      search->best[nest] = value;
      caption_put(out, nest, parent, c, t + 1);
    }
    if (!ended) child_make(parent, c, t, nest * search->width + c->parent, &next[kept++]);
  }
  if (t + 1 == search->length || nest_over(search, nest, kept, out->finished[nest])) kept = 0;
  search->live_count[nest] = kept;
}

/* Of each picture's groups the best caption (finished before cut; ties: the earlier group), to the picture's row. */
static void groups_join(const Search *search, int images, CaptionSet *out) {
  for (int i = 0; i < images; i++) {
    int best = i * search->groups;
    for (int n = best + 1; n < (i + 1) * search->groups; n++)
      if (out->finished[n] != out->finished[best] ? out->finished[n] : search->best[n] > search->best[best]) best = n;
    size_t row = (size_t)out->max_length;
    memmove(out->tokens + (size_t)i * row, out->tokens + (size_t)best * row, row * sizeof *out->tokens);
    memmove(out->logp + (size_t)i * row, out->logp + (size_t)best * row, row * sizeof *out->logp);
    out->length[i] = out->length[best];
    out->finished[i] = out->finished[best];
  }
  out->count = images;
}

/* The live hypotheses as the batch of a step; returns how many. */
static int rows_gather(Search *search, int images, int t, DecoderState *s) {
  int rows = 0;
  for (int n = 0; n < images * search->groups; n++)
    for (int p = 0; p < search->live_count[n]; p++, rows++) {
      int slot = n * search->width + p;
      const Hypothesis *h = &search->live[slot];
      s->picture[rows] = n / search->groups;
      s->slot[rows] = slot;
      s->token[rows] = t ? h->tokens[t - 1] : TOKEN_START;
      memcpy(search->history + (long)rows * search->length, h->history, (size_t)t * sizeof *h->history);
    }
  return rows;
}

void decoder_beam(Decoder *decoder, const float *weights, int images, const float *features, const BeamOptions *options,
                  CaptionSet *out) {
  DecoderState *s = decoder->state;
  int v = decoder->table->shape.vocabulary, length = decoder->max_length;
  CHECK(images > 0 && images * options->beam <= decoder->max_rows && out->max_length == length);
  Search search;
  search_init(&search, images, length, options);
  captions_clear(out, images * search.groups);
  decoder_see(decoder, weights, images, features);
  for (int t = 0; t < length; t++) {
    int rows = rows_gather(&search, images, t, s);
    if (!rows) break;
    out->rows += rows;
    decoder_step(decoder, weights, &(StepRows){rows, t, s->token, s->slot, s->picture, search.history});
    const float *logits = s->logits;
    for (int n = 0; n < images * search.groups; n++) {
      int live = search.live_count[n];
      if (n % search.groups == 0) search.taken_count = 0;
      if (live) nest_advance(&search, n, t, logits, v, out);
      logits += (long)live * v;
    }
    Hypothesis *swap = search.live;
    search.live = search.next;
    search.next = swap;
  }
  if (search.groups > 1 && !options->each_group) groups_join(&search, images, out);
  arena_free(&search.arena);
}
