/* The tree of beginnings, and rows to tokens and back. */
#include "common/model/prefixes.h"

#include <omp.h>
#include <string.h>

void prefixes_take(Prefixes *p, Arena *arena, int images, int tokens) {
  int32_t **columns[] = {&p->row, &p->next, &p->first, &p->input, &p->position, &p->parent};
  for (int i = 0; i < 6; i++) *columns[i] = arena_take(arena, (size_t)tokens * sizeof **columns[i]);
  p->start = arena_take(arena, ((size_t)images + 1) * sizeof *p->start);
}

/* The row of this picture, from `begin` on, that goes on from `parent` with this token; -1: none. */
static int row_find(const Prefixes *p, int begin, int parent, int32_t token) {
  for (int r = parent < begin ? begin : parent + 1; r < p->rows; r++)
    if (p->parent[r] == parent && p->input[r] == token) return r;
  return -1;
}

static int row_add(Prefixes *p, int parent, int32_t token, int t) {
  int r = p->rows++;
  p->input[r] = token, p->parent[r] = parent, p->first[r] = t;
  p->position[r] = parent < 0 ? 0 : p->position[parent] + 1;
  return r;
}

/* A caption whose beginning is its own so far has no more to share. */
static void caption_find(Prefixes *p, const CaptionBatch *batch, int caption, int begin, bool share) {
  for (int t = batch->caption_start[caption], parent = -1; t < batch->caption_start[caption + 1]; t++) {
    int r = share ? row_find(p, begin, parent, batch->input[t]) : -1;
    share = r >= 0;
    p->next[t] = -1;
    if (share) {
      int last = p->first[r];
      while (p->next[last] >= 0) last = p->next[last];
      p->next[last] = t;
    } else {
      r = row_add(p, parent, batch->input[t], t);
    }
    p->row[t] = parent = r;
  }
}

void prefixes_find(Prefixes *p, const CaptionBatch *batch, bool share) {
  p->rows = 0, p->tokens = batch->tokens;
  for (int i = 0; i < batch->images; i++) {
    p->start[i] = p->rows;
    for (int c = batch->image_start[i]; c < batch->image_start[i + 1]; c++)
      caption_find(p, batch, c, p->start[i], share);
  }
  p->start[batch->images] = p->rows;
}

/* --- in place -------------------------------------------------------------------------------------------------- */

/* Tokens 0 .. n - 1 that stand where their rows do: all before the first that shares one. */
static int unmoved(const Prefixes *p) {
  if (p->rows == p->tokens) return p->tokens;
  int t = 0;
  while (p->row[t] == t) t++;
  return t;
}

/* This thread's columns of `width`: a stretch of whole cache lines. */
typedef struct Columns {
  int begin;
  size_t bytes;
} Columns;

static Columns columns_mine(int width) {
  int share = (width / omp_get_num_threads() / 16 + 1) * 16, begin = omp_get_thread_num() * share;
  int end = begin + share < width ? begin + share : width;
  return (Columns){begin, begin < end ? (size_t)(end - begin) * sizeof(float) : 0};
}

static float *at(float *x, int row, int width, Columns mine) { return x + (size_t)row * (size_t)width + mine.begin; }

/* From the last token down: no row that is still to be read lies where one is written. */
static void spread(const Prefixes *p, int width, float *x, bool all) {
  int still = unmoved(p);
#pragma omp parallel if (still < p->tokens)
  {
    Columns mine = columns_mine(width);
    for (int t = p->tokens - 1; mine.bytes && t >= still; t--) {
      int r = p->row[t];
      if (all || p->first[r] == t) memcpy(at(x, t, width, mine), at(x, r, width, mine), mine.bytes);
      else memset(at(x, t, width, mine), 0, mine.bytes);
    }
  }
}

/* From the first token up, likewise. */
static void gather(const Prefixes *p, int width, float *x, bool all) {
  int still = unmoved(p);
#pragma omp parallel if (still < p->tokens)
  {
    Columns mine = columns_mine(width);
    for (int t = still; mine.bytes && t < p->tokens; t++) {
      float *to = at(x, p->row[t], width, mine);
      const float *from = at(x, t, width, mine);
      if (p->first[p->row[t]] == t) {
        memcpy(to, from, mine.bytes);
      } else if (all) {
        for (size_t c = 0; c < mine.bytes / sizeof *to; c++) to[c] += from[c];
      }
    }
  }
}

void prefixes_expand(const Prefixes *p, int width, float *x) { spread(p, width, x, true); }
void prefixes_sum(const Prefixes *p, int width, float *x) { gather(p, width, x, true); }
void prefixes_pick(const Prefixes *p, int width, float *x) { gather(p, width, x, false); }
void prefixes_place(const Prefixes *p, int width, float *x) { spread(p, width, x, false); }
