/* Beam search, all pictures in one batch.
 *
 * A picture keeps `beam` places. Each step ranks the continuations of its live hypotheses by their sum of
 * log-probabilities (ties: the earlier hypothesis, then the lower token) and takes as many as it has places left;
 * those that end give their place up. The best finished hypothesis by sum / length^penalty wins; hypotheses that
 * were cut at max_length count only where none finished. */
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
  double sum;
  int parent; /* live hypothesis, counted over the picture */
  int32_t token;
  float logp;
} Candidate;

typedef struct Search {
  int beam, length;
  float penalty;
  Hypothesis *live, *next;  /* [rows]: picture i has live_count[i] of them from i * beam on */
  int *live_count, *places; /* [images] */
  double *best;             /* [images]: score of the best finished hypothesis, which stands in `out` */
  Candidate *candidates;    /* [beam * beam] */
  int32_t *tokens;          /* [beam] */
  float *logp;              /* [beam] */
  int32_t *history;         /* [rows, max_length]: as the step wants it */
  Arena arena;
} Search;

static Hypothesis *hypotheses_take(Arena *arena, int rows, int length) {
  Hypothesis *list = arena_take(arena, (size_t)rows * sizeof *list);
  size_t words = (size_t)length * 4;
  for (int r = 0; r < rows; r++)
    list[r] = (Hypothesis){0, arena_take(arena, words), arena_take(arena, words), arena_take(arena, words)};
  return list;
}

static void search_init(Search *search, int images, int beam, int length, float penalty) {
  size_t rows = (size_t)images * (size_t)beam, many = (size_t)beam, words = (size_t)length * 4;
  *search = (Search){.beam = beam, .length = length, .penalty = penalty};
  arena_init(&search->arena, 2 * (arena_rounded(rows * sizeof(Hypothesis)) + 3 * rows * arena_rounded(words)) +
                                 3 * arena_rounded((size_t)images * sizeof(double)) +
                                 arena_rounded(many * many * sizeof(Candidate)) + 2 * arena_rounded(many * 4) +
                                 arena_rounded(rows * words));
  search->live = hypotheses_take(&search->arena, (int)rows, length);
  search->next = hypotheses_take(&search->arena, (int)rows, length);
  search->live_count = arena_take(&search->arena, (size_t)images * sizeof(int));
  search->places = arena_take(&search->arena, (size_t)images * sizeof(int));
  search->best = arena_take(&search->arena, (size_t)images * sizeof(double));
  search->candidates = arena_take(&search->arena, many * many * sizeof(Candidate));
  search->tokens = arena_take(&search->arena, many * 4);
  search->logp = arena_take(&search->arena, many * 4);
  search->history = arena_take(&search->arena, rows * words);
  for (int i = 0; i < images; i++) {
    search->live_count[i] = 1;
    search->places[i] = beam;
    search->best[i] = -INFINITY;
    search->live[i * beam].sum = 0;
  }
}

static double score(const Search *search, double sum, int length) {
  return search->penalty == 0 ? sum : sum / pow(length, (double)search->penalty);
}

/* Copies a hypothesis and one token more to row `image` of out. */
static void caption_put(CaptionSet *out, int image, const Hypothesis *from, const Candidate *last, int length) {
  int32_t *tokens = out->tokens + (long)image * out->max_length;
  float *logp = out->logp + (long)image * out->max_length;
  memcpy(tokens, from->tokens, (size_t)(length - 1) * sizeof *tokens);
  memcpy(logp, from->logp, (size_t)(length - 1) * sizeof *logp);
  tokens[length - 1] = last->token;
  logp[length - 1] = last->logp;
  out->length[image] = length;
  out->finished[image] = last->token == TOKEN_END;
}

/* The best continuations of one picture's hypotheses; returns how many. Insertion into a sorted list: rows come in
 * order and each row's tokens best first, so equal sums keep the order of the tie rule. */
static int candidates_rank(Search *search, const Hypothesis *live, int live_count, int places, const float *logits,
                           int v) {
  Candidate *list = search->candidates;
  int count = 0;
  for (int p = 0; p < live_count; p++) {
    int found = draw_best(logits + (long)p * v, v, places, search->tokens, search->logp);
    for (int i = 0; i < found; i++) {
      Candidate c = {live[p].sum + (double)search->logp[i], p, search->tokens[i], search->logp[i]};
      if (count == places && !(c.sum > list[count - 1].sum)) break;
      int place = count < places ? count++ : count - 1;
      for (; place > 0 && c.sum > list[place - 1].sum; place--) list[place] = list[place - 1];
      list[place] = c;
    }
  }
  return count;
}

/* Moves picture `image` on by the token at position t; logits: rows of its live hypotheses. */
static void image_advance(Search *search, int image, int t, const float *logits, int v, CaptionSet *out) {
  Hypothesis *live = search->live + (long)image * search->beam, *next = search->next + (long)image * search->beam;
  int count = candidates_rank(search, live, search->live_count[image], search->places[image], logits, v), kept = 0;
  for (int i = 0; i < count; i++) {
    const Candidate *c = &search->candidates[i];
    const Hypothesis *parent = &live[c->parent];
    double value = score(search, c->sum, t + 1);
    bool ended = c->token == TOKEN_END, had = out->finished[image];
    if (ended) search->places[image]--;
    if (ended ? !had || value > search->best[image]
              : t + 1 == search->length && !had && !(value <= search->best[image])) {
      search->best[image] = value;
      caption_put(out, image, parent, c, t + 1);
    }
    if (ended) continue;
    Hypothesis *child = &next[kept];
    size_t words = (size_t)t * 4;
    memcpy(child->tokens, parent->tokens, words);
    memcpy(child->logp, parent->logp, words);
    memcpy(child->history, parent->history, words);
    child->tokens[t] = c->token;
    child->logp[t] = c->logp;
    child->history[t] = image * search->beam + c->parent;
    child->sum = c->sum;
    kept++;
  }
  /* sums only fall, so no live hypothesis can end better than its sum at the kindest length */
  if (kept && out->finished[image] && search->penalty >= 0 &&
      search->best[image] >= score(search, next[0].sum, search->length))
    kept = 0;
  search->live_count[image] = t + 1 == search->length ? 0 : kept;
}

void decoder_beam(Decoder *decoder, const float *weights, int images, const float *features, int beam,
                  float length_penalty, CaptionSet *out) {
  DecoderState *s = decoder->state;
  int v = decoder->table->shape.vocabulary, length = decoder->max_length;
  CHECK(images > 0 && beam > 0 && images * beam <= decoder->max_rows && out->max_length == length);
  captions_clear(out, images);
  decoder_see(decoder, weights, images, features);
  Search search;
  search_init(&search, images, beam, length, length_penalty);
  for (int t = 0; t < length; t++) {
    int rows = 0;
    for (int i = 0; i < images; i++)
      for (int p = 0; p < search.live_count[i]; p++, rows++) {
        const Hypothesis *h = &search.live[i * beam + p];
        s->picture[rows] = i;
        s->slot[rows] = i * beam + p;
        s->token[rows] = t ? h->tokens[t - 1] : TOKEN_START;
        memcpy(search.history + (long)rows * length, h->history, (size_t)t * sizeof *h->history);
      }
    if (!rows) break;
    decoder_step(decoder, weights, &(StepRows){rows, t, s->token, s->slot, s->picture, search.history});
    const float *logits = s->logits;
    for (int i = 0; i < images; i++) {
      int live = search.live_count[i];
      if (live) image_advance(&search, i, t, logits, v, out);
      logits += (long)live * v;
    }
    Hypothesis *swap = search.live;
    search.live = search.next;
    search.next = swap;
  }
  arena_free(&search.arena);
}
