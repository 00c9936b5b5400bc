/* The transformer decoder, one position at a time. Shapes are those of decode_step.h. */
#include "common/model/decode_step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pulse.h"
#include "common/base/status.h"
#include "common/model/cells.h"
#include "common/model/draw.h"
#include "common/model/packed.h"
#include "common/model/small_product.h"
#include "common/tensor/attention.h"
#include "common/tensor/kernels.h"
#include "common/tensor/softmax.h"

/* Cells rounded up so that the rows of the transposed keys begin at cache lines. */
static int padded(int n) { return (n + SMALL_MARGIN - 1) / SMALL_MARGIN * SMALL_MARGIN; }

/* --- layout
 * ------------------------------------------------------------------------------------------------------- */

static void layer_take(DecoderState *s, int l, const ModelShape *shape, Arena *arena, size_t images, size_t entries) {
  size_t d = (size_t)shape->width, n = (size_t)shape->cells;
  int width = shape->width, f = shape->feed_forward;
  s->layer[l] = (LayerPacked){.self_qkv = arena_floats(arena, packed_floats(3 * width, width)),
                              .self_out = arena_floats(arena, packed_floats(width, width)),
                              .cross_q = arena_floats(arena, packed_floats(width, width)),
                              .cross_kv = arena_floats(arena, packed_floats(2 * width, width)),
                              .cross_out = arena_floats(arena, packed_floats(width, width)),
                              .up = arena_floats(arena, packed_floats(f, width)),
                              .down = arena_floats(arena, packed_floats(width, f))};
  s->cross_keys[l] = arena_floats(arena, images * d * (size_t)padded(shape->cells) + SMALL_MARGIN);
  s->cross_values[l] = arena_floats(arena, images * n * d + SMALL_MARGIN);
  s->cache[l] = arena_floats(arena, entries * 2 * d);
}

static void state_take(DecoderState *s, const Decoder *decoder, Arena *arena) {
  const ModelShape *shape = &decoder->table->shape;
  size_t m = (size_t)decoder->max_images, r = (size_t)decoder->max_rows, t = (size_t)decoder->max_length;
  size_t d = (size_t)shape->width, scores = SMALL_ROWS * (size_t)padded(shape->cells);
  s->image = arena_floats(arena, packed_floats(shape->width, shape->features));
  s->output = arena_floats(arena, packed_floats(shape->vocabulary, shape->width));
  s->cell_start = arena_take(arena, (m + 1) * sizeof *s->cell_start);
  s->memory = arena_floats(arena, m * (size_t)shape->cells * d);
  s->cross_kv = arena_floats(arena, m * (size_t)shape->cells * 2 * d);
  for (int l = 0; l < shape->decoder_layers; l++) layer_take(s, l, shape, arena, m, r * t);
  s->stream = arena_floats(arena, r * d);
  s->input = arena_floats(arena, r * d);
  s->mixed = arena_floats(arena, r * d);
  s->added = arena_floats(arena, r * d);
  s->qkv = arena_floats(arena, r * 3 * d);
  s->hidden = arena_floats(arena, r * (size_t)shape->feed_forward);
  s->logits = arena_floats(arena, r * (size_t)shape->vocabulary);
  s->scores = arena_floats(arena, scores > t ? scores : t);
  s->gathered = arena_floats(arena, t * 2 * d);
  s->draw = arena_floats(arena, draw_scratch(shape->vocabulary));
  int32_t **rows[] = {&s->position, &s->caption, &s->row, &s->token, &s->slot, &s->picture, &s->parent, &s->left};
  for (int i = 0; i < 8; i++) *rows[i] = arena_take(arena, r * sizeof **rows[i]);
  stack_init(&s->encoder, decoder->table, false);
  /* last: it lays its scratch over what comes after */
  stack_take(&s->encoder, arena, shape->cells, shape->cells, 0, false);
}

void decoder_init(Decoder *decoder, const ParamTable *table, int max_images, int max_rows, int max_length) {
  CHECK(max_images > 0 && max_rows >= max_images && max_length > 0 && max_length <= table->shape.positions);
  *decoder = (Decoder){.table = table,
                       .max_images = max_images,
                       .max_rows = max_rows,
                       .max_length = max_length,
                       .state = xcalloc(1, sizeof(DecoderState))};
  static unsigned char nowhere[64];
  Arena measure = {.base = nowhere, .size = (size_t)1 << 46}; /* laid out once without memory, for the size */
  state_take(decoder->state, decoder, &measure);
  arena_init(&decoder->arena, measure.peak);
  memset(decoder->arena.base, 0, decoder->arena.size); /* margins are read, if not used: let them be numbers */
  state_take(decoder->state, decoder, &decoder->arena);
}

void decoder_free(Decoder *decoder) {
  if (decoder->state) arena_free(&decoder->arena);
  free(decoder->state);
  *decoder = (Decoder){0};
}

/* --- pictures
 * ----------------------------------------------------------------------------------------------------- */

static void weights_pack(Decoder *decoder, const float *weights) {
  const ParamTable *table = decoder->table;
  DecoderState *s = decoder->state;
  int d = table->shape.width, f = table->shape.feed_forward;
  packed_fill(d, table->shape.features, weights + table->image.weight, s->image);
  packed_fill(table->shape.vocabulary, d, weights + table->output.weight, s->output);
  for (int l = 0; l < table->shape.decoder_layers; l++) {
    const LayerParams *from = &table->decoder[l];
    const LayerPacked *to = &s->layer[l];
    packed_fill(3 * d, d, weights + from->self_qkv.weight, to->self_qkv);
    packed_fill(d, d, weights + from->self_out.weight, to->self_out);
    packed_fill(d, d, weights + from->cross_q.weight, to->cross_q);
    packed_fill(2 * d, d, weights + from->cross_kv.weight, to->cross_kv);
    packed_fill(d, d, weights + from->cross_out.weight, to->cross_out);
    packed_fill(f, d, weights + from->up.weight, to->up);
    packed_fill(d, f, weights + from->down.weight, to->down);
  }
}

void decoder_load(Decoder *decoder, const float *weights) {
  decoder->state->loaded = weights;
  if (weights) weights_pack(decoder, weights);
}

/* keys [D, Np] of one picture from kv [N, 2 D]; tiles of 16 x 16, a cache line either way. */
static void keys_arrange(int n, int d, const float *kv, float *keys) {
  int np = padded(n);
  for (int c = 0; c < n; c += 16)
    for (int j = 0; j < d; j += 16)
      for (int column = j; column < j + 16 && column < d; column++)
        for (int cell = c; cell < c + 16 && cell < n; cell++)
          keys[(long)column * np + cell] = kv[(long)cell * 2 * d + column];
}

/* values [H, N, D / H] of one picture from kv [N, 2 D]. */
static void values_arrange(int n, int d, int heads, const float *kv, float *values) {
  int width = d / heads;
  for (int h = 0; h < heads; h++)
    for (int cell = 0; cell < n; cell++, values += width)
      memcpy(values, kv + (long)cell * 2 * d + d + h * width, (size_t)width * sizeof *values);
}

/* memory [K, D]: pictures without padding between them go in one call. */
static void memory_project(DecoderState *s, const ParamTable *table, const float *weights, int images,
                           const float *features) {
  int n = table->shape.cells, f = table->shape.features, d = table->shape.width;
  const int32_t *start = s->cell_start;
  for (int i = 0, run; i < images; i += run) {
    for (run = 1; i + run < images && start[i + run] - start[i + run - 1] == n;) run++;
    packed_linear(start[i + run] - start[i], f, d, features + (long)i * n * f, s->image, weights + table->image.bias,
                  s->memory + (long)start[i] * d);
  }
}

/* The encoder's layers over the memory, a picture at a time: BLAS may round a row differently among others. */
static void memory_encode(DecoderState *s, const float *weights, int images, int d) {
  for (int i = 0; s->encoder.layers && i < images; i++) {
    float *memory = s->memory + (long)s->cell_start[i] * d;
    int n = s->cell_start[i + 1] - s->cell_start[i];
    const int32_t starts[] = {0, n};
    s->encoder.rows = s->encoder.tokens = n; /* of the shape->cells that it has room for */
    const StackBlocks blocks = {.images = 1, .cells = starts};
    const float *encoded = stack_forward(&s->encoder, weights, memory, &blocks, NULL, NULL);
    memcpy(memory, encoded, (size_t)n * (size_t)d * sizeof *memory);
  }
}

void decoder_see(Decoder *decoder, const float *weights, int images, const float *features) {
  CHECK(images > 0 && images <= decoder->max_images);
  DecoderState *s = decoder->state;
  const ParamTable *table = decoder->table;
  int d = table->shape.width, most = table->shape.cells;
  if (s->loaded != weights) weights_pack(decoder, weights);
  cells_count(images, most, table->shape.features, features, s->cell_start);
  memory_project(s, table, weights, images, features);
  memory_encode(s, weights, images, d);
  for (int l = 0; l < table->shape.decoder_layers; l++) {
    packed_linear(s->cell_start[images], d, 2 * d, s->memory, s->layer[l].cross_kv,
                  weights + table->decoder[l].cross_kv.bias, s->cross_kv);
    for (int i = 0; i < images; i++) {
      const float *kv = s->cross_kv + (long)s->cell_start[i] * 2 * d;
      int n = s->cell_start[i + 1] - s->cell_start[i];
      keys_arrange(n, d, kv, s->cross_keys[l] + (long)i * d * padded(most));
      values_arrange(n, d, table->shape.heads, kv, s->cross_values[l] + (long)i * most * d);
    }
  }
}

/* --- one step
 * ----------------------------------------------------------------------------------------------------- */

void decoder_fork(Decoder *decoder, int from, int to, int positions) {
  long entry = 2 * decoder->table->shape.width, slot_size = decoder->max_length * entry;
  for (int l = 0; l < decoder->table->shape.decoder_layers; l++) {
    float *cache = decoder->state->cache[l];
    memcpy(cache + to * slot_size, cache + from * slot_size, (size_t)(positions * entry) * sizeof *cache);
  }
}

/* Keys and values of this position go to the cache; mixed [count, D] = attention of each row's query over its
 * positions. */
static void attend_self(Decoder *decoder, const StepRows *rows, int layer) {
  DecoderState *s = decoder->state;
  int d = decoder->table->shape.width, heads = decoder->table->shape.heads, t = rows->position;
  long entry = 2 * d, slot_size = (long)decoder->max_length * entry;
  size_t bytes = (size_t)entry * sizeof(float);
  for (int r = 0; r < rows->count; r++) {
    const float *q = s->qkv + (long)r * 3 * d;
    float *own = s->cache[layer] + rows->slot[r] * slot_size, *keys = own;
    memcpy(own + t * entry, q + d, bytes);
    if (rows->history) {
      const int32_t *history = rows->history + (long)r * decoder->max_length;
      keys = s->gathered;
      for (int j = 0; j < t; j++) memcpy(keys + j * entry, s->cache[layer] + history[j] * slot_size + j * entry, bytes);
      memcpy(keys + t * entry, q + d, bytes);
    }
    attention_row(heads, d / heads, t + 1, q, keys, 2 * d, keys + d, 2 * d, s->mixed + (long)r * d, s->scores);
  }
}

/* mixed [count, D] = attention of the queries [count, D] over the cells of each row's picture, shared by its rows. */
static void attend_cells(Decoder *decoder, const StepRows *rows, int layer, const float *queries) {
  DecoderState *s = decoder->state;
  const ModelShape *shape = &decoder->table->shape;
  int d = shape->width, width = d / shape->heads, most = shape->cells;
  float scale = 1 / sqrtf((float)width);
  for (int r = 0, group; r < rows->count; r += group) {
    long image = rows->image[r];
    for (group = 1; group < SMALL_ROWS && r + group < rows->count && rows->image[r + group] == image;) group++;
    const float *keys = s->cross_keys[layer] + image * d * padded(most);
    const float *values = s->cross_values[layer] + image * most * d;
    int n = s->cell_start[image + 1] - s->cell_start[image], np = padded(n);
    for (int h = 0; h < shape->heads; h++, keys += width * np, values += width * n) {
      long at = (long)r * d + h * width;
      small_product(group, n, width, queries + at, d, keys, np, s->scores, np);
      for (int g = 0; g < group; g++) softmax_row(n, scale, s->scores + g * np);
      small_product(group, width, n, s->scores, np, values, width, s->mixed + at, d);
    }
  }
}

enum { SUB_SELF, SUB_CROSS, SUB_FEED_FORWARD, SUBLAYERS };

/* added [count, D] = f(input), without the bias of f's last linear layer, which is returned. */
static size_t sublayer(Decoder *decoder, const float *weights, const StepRows *rows, int layer, int kind) {
  DecoderState *s = decoder->state;
  const ModelShape *shape = &decoder->table->shape;
  const LayerParams *p = &decoder->table->decoder[layer];
  const LayerPacked *w = &s->layer[layer];
  int r = rows->count, d = shape->width, f = shape->feed_forward;
  switch (kind) {
    case SUB_SELF:
      packed_linear(r, d, 3 * d, s->input, w->self_qkv, weights + p->self_qkv.bias, s->qkv);
      attend_self(decoder, rows, layer);
      packed_linear(r, d, d, s->mixed, w->self_out, NULL, s->added);
      return p->self_out.bias;
    case SUB_CROSS:
      packed_linear(r, d, d, s->input, w->cross_q, weights + p->cross_q.bias, s->qkv);
      attend_cells(decoder, rows, layer, s->qkv);
      packed_linear(r, d, d, s->mixed, w->cross_out, NULL, s->added);
      return p->cross_out.bias;
    default:
      packed_linear(r, d, f, s->input, w->up, NULL, s->hidden);
      activate_forward(shape->activation == ACTIVATION_GELU, r, f, s->hidden, weights + p->up.bias, NULL, 1, s->hidden);
      packed_linear(r, f, d, s->hidden, w->down, NULL, s->added);
      return p->down.bias;
  }
}

/* The norm of sublayer `index`, counted over all layers; norm_final after the last. */
static Norm norm_at(const ParamTable *table, int index) {
  const LayerParams *p = &table->decoder[index / SUBLAYERS];
  if (index == SUBLAYERS * table->shape.decoder_layers) return table->norm_final;
  return index % SUBLAYERS == SUB_SELF ? p->norm_self : index % SUBLAYERS == SUB_CROSS ? p->norm_cross : p->norm_ff;
}

/* y += bias + residual (either may be NULL), out = norm of it. */
static void norm_rows(const StepRows *rows, int d, const float *weights, Norm norm, const float *residual, float *y,
                      const float *bias, float *out) {
  norm_forward(rows->count, d, residual, y, bias, NULL, 1, weights + norm.weight, weights + norm.bias, out, NULL, NULL);
}

void decoder_step(Decoder *decoder, const float *weights, const StepRows *rows) {
  DecoderState *s = decoder->state;
  const ParamTable *table = decoder->table;
  const ModelShape *shape = &table->shape;
  int r = rows->count, d = shape->width;
  bool pre = shape->norm == NORM_PRE;
  pulse();
  for (int i = 0; i < r; i++) s->position[i] = rows->position;
  embed_forward(r, d, weights + table->token_embedding, rows->token, weights + table->position_embedding, s->position,
                s->mixed);
  norm_rows(rows, d, weights, table->norm_embedding, NULL, s->mixed, NULL, pre ? s->stream : s->input);
  if (pre) norm_rows(rows, d, weights, norm_at(table, 0), NULL, s->stream, NULL, s->input);
  for (int i = 0; i < SUBLAYERS * shape->decoder_layers; i++) {
    size_t bias = sublayer(decoder, weights, rows, i / SUBLAYERS, i % SUBLAYERS);
    if (pre) { /* stream += f(input); input = norm of the next sublayer */
      norm_rows(rows, d, weights, norm_at(table, i + 1), s->stream, s->added, weights + bias, s->input);
      float *sum = s->added;
      s->added = s->stream;
      s->stream = sum;
    } else { /* input = norm(input + f(input)) */
      norm_rows(rows, d, weights, norm_at(table, i), s->input, s->added, weights + bias, s->input);
    }
  }
  packed_linear(r, d, shape->vocabulary, s->input, s->output, weights + table->output.bias, s->logits);
}
