/* Transformer layers, forward next to backward. */
#include "common/model/stack.h"

#include <string.h>

#include "common/base/status.h"
#include "common/tensor/gemm.h"
#include "common/tensor/kernels.h"

enum { SITE_SELF, SITE_CROSS, SITE_HIDDEN, SITE_FF, SITES };

void stack_init(Stack *stack, const ParamTable *table, bool decoder) {
  *stack = (Stack){.shape = &table->shape, .decoder = decoder};
  stack->params = decoder ? table->decoder : table->encoder;
  stack->layers = decoder ? table->shape.decoder_layers : table->shape.encoder_layers;
  stack->last = decoder ? table->norm_final : table->norm_encoder;
  stack->first_site = 1 + (decoder ? LAYERS_MAX * SITES : 0); /* site 0: the embedding */
}

static int longest_block(const Stack *s) { return s->decoder ? s->shape->positions : s->shape->cells; }

static size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

static void station_take(Station *station, Arena *arena, size_t rows, size_t width, bool keep) {
  *station = (Station){.sum = arena_floats(arena, rows * width), .out = arena_floats(arena, rows * width)};
  if (!keep) return;
  station->mean = arena_floats(arena, rows), station->rstd = arena_floats(arena, rows);
  station->mask = arena_take(arena, rows * width);
}

/* Without backward each sub-layer's scratch lies over that of the one before. */
static void scratch_end(const Stack *s, Arena *arena, size_t mark) {
  if (!s->keep) arena_release(arena, mark);
}

static void layer_take(Stack *s, LayerState *l, Arena *arena) {
  size_t rows = (size_t)s->rows, tokens = (size_t)s->tokens, keys = (size_t)s->keys, d = (size_t)s->shape->width;
  size_t hidden = rows * (size_t)s->shape->feed_forward;
  bool gelu = s->shape->activation == ACTIVATION_GELU;
  station_take(&l->ff, arena, rows, d, s->keep);
  size_t layer = arena_mark(arena);
  station_take(&l->self, arena, rows, d, s->keep);
  if (s->decoder) station_take(&l->cross, arena, rows, d, s->keep);
  size_t mark = arena_mark(arena);
  l->qkv = arena_floats(arena, tokens * 3 * d);
  l->self_probs = arena_floats(arena, attention_probs(s->tokens, s->shape->heads, longest_block(s)));
  l->self_mixed = arena_floats(arena, tokens * d);
  scratch_end(s, arena, mark);
  if (s->decoder) {
    l->query = arena_floats(arena, rows * d);
    l->kv = arena_floats(arena, keys * 2 * d);
    l->cross_probs = arena_floats(arena, attention_probs(s->rows, s->shape->heads, s->shape->cells));
    l->cross_mixed = arena_floats(arena, rows * d);
    scratch_end(s, arena, mark);
  }
  l->up = arena_floats(arena, hidden);
  l->hidden = gelu && s->keep ? arena_floats(arena, hidden) : l->up;
  l->hidden_mask = s->keep ? arena_take(arena, hidden) : NULL;
  scratch_end(s, arena, layer);
}

void stack_take(Stack *s, Arena *arena, int rows, int tokens, int keys, bool keep) {
  s->rows = rows, s->tokens = tokens, s->keys = keys, s->keep = keep;
  size_t r = (size_t)rows, d = (size_t)s->shape->width;
  s->first = (Station){0};
  if (s->shape->norm == NORM_PRE) {
    s->first.out = arena_floats(arena, r * d);
    if (keep) s->first.mean = arena_floats(arena, r), s->first.rstd = arena_floats(arena, r);
  }
  for (int i = 0; i < s->layers; i++) layer_take(s, &s->layer[i], arena);
}

void stack_take_backward(Stack *s, Arena *arena) {
  size_t r = (size_t)s->rows, t = (size_t)s->tokens, d = (size_t)s->shape->width, ff = (size_t)s->shape->feed_forward;
  size_t probs = attention_probs(s->tokens, s->shape->heads, longest_block(s));
  if (s->decoder) probs = max_size(probs, attention_probs(s->rows, s->shape->heads, s->shape->cells));
  if (s->shape->norm == NORM_PRE) s->d_stream = arena_floats(arena, r * d);
  s->sums = arena_floats(arena, max_size(norm_scratch(s->rows, (int)d), activate_scratch(s->rows, (int)ff)));
  size_t mark = arena_mark(arena);
  s->d_hidden = arena_floats(arena, r * ff); /* dead when the attentions' begin */
  arena_release(arena, mark);
  s->d_mixed = arena_floats(arena, t * d);
  s->d_qkv = arena_floats(arena, t * 3 * d);
  s->d_kv = arena_floats(arena, (size_t)s->keys * 2 * d);
  s->d_probs = arena_floats(arena, probs);
  s->d_y = arena_floats(arena, r * d); /* last: not touched without dropout */
}

/* --- forward ---------------------------------------------------------------------------------------------------- */

/* y [rows, out] = x [rows, in] W^T, bias left to the pass that reads y. */
static void linear_forward(const float *weights, Linear linear, int rows, int in, int out, const float *x, float *y) {
  gemm_linear(false, true, rows, out, in, x, in, weights + linear.weight, in, false, y, out);
}

/* dW += d_y^T x, and d_x = d_y W + (add ? d_x : 0). */
static void linear_backward(const float *weights, Linear linear, int rows, int in, int out, const float *x,
                            const float *d_y, bool add, float *d_x, float *gradients) {
  gemm_linear(true, false, out, in, rows, d_y, out, x, in, true, gradients + linear.weight, in);
  gemm_linear(false, false, rows, in, out, d_y, out, weights + linear.weight, in, add, d_x, in);
}

static bool dropping(const Stack *s) { return s->dropout.rate > 0.0f; }

static const uint8_t *mask_draw(const Stack *s, int layer, int part, int columns, uint8_t *mask) {
  if (!dropping(s)) return NULL;
  int first = s->decoder ? s->dropout.first_token : s->dropout.first_cell;
  dropout_mask(first, s->rows, columns, s->dropout.rate, s->dropout.seed, s->dropout.step,
               s->first_site + SITES * layer + part, mask);
  return mask;
}

/* station->sum holds the sub-layer's output without its bias. */
static void station_forward(const Stack *s, Station *station, const float *weights, Linear linear, Norm norm, int layer,
                            int part, const float *stream) {
  int d = s->shape->width;
  const uint8_t *mask = mask_draw(s, layer, part, d, station->mask);
  norm_forward(s->rows, d, stream, station->sum, weights + linear.bias, mask, dropout_scale(s->dropout.rate),
               weights + norm.weight, weights + norm.bias, station->out, station->mean, station->rstd);
}

/* The norm at the end of each sub-layer: its own, or under pre-norm the next one's. */
static Norm norm_after(const Stack *s, int layer, int part) {
  const LayerParams *p = &s->params[layer];
  bool pre = s->shape->norm == NORM_PRE;
  if (part == SITE_SELF) return !pre ? p->norm_self : s->decoder ? p->norm_cross : p->norm_ff;
  if (part == SITE_CROSS) return pre ? p->norm_ff : p->norm_cross;
  if (!pre) return p->norm_ff;
  return layer + 1 < s->layers ? s->params[layer + 1].norm_self : s->last;
}

/* What a sub-layer reads: the stream that goes round it, and its input. */
typedef struct Flow {
  const float *stream, *input;
} Flow;

static Flow flow_from(const Stack *s, const Station *station) {
  return (Flow){.stream = s->shape->norm == NORM_PRE ? station->sum : station->out, .input = station->out};
}

static Flow flow_into_layer(const Stack *s, int layer) {
  if (layer) return flow_from(s, &s->layer[layer - 1].ff);
  return (Flow){.stream = s->input, .input = s->shape->norm == NORM_PRE ? s->first.out : s->input};
}

static void layer_forward(Stack *s, int index, const float *weights) {
  const LayerParams *p = &s->params[index];
  LayerState *l = &s->layer[index];
  int rows = s->rows, keys = s->keys, d = s->shape->width, ff = s->shape->feed_forward;
  Flow flow = flow_into_layer(s, index);

  linear_forward(weights, p->self_qkv, rows, d, 3 * d, flow.input, l->qkv);
  bias_add(rows, 3 * d, l->qkv, weights + p->self_qkv.bias);
  if (s->prefixes) prefixes_expand(s->prefixes, 3 * d, l->qkv);
  attention_forward(&s->self_blocks, l->qkv, 3 * d, l->qkv + d, 3 * d, l->qkv + 2 * d, 3 * d, l->self_mixed, d,
                    l->self_probs);
  if (s->prefixes) prefixes_pick(s->prefixes, d, l->self_mixed);
  linear_forward(weights, p->self_out, rows, d, d, l->self_mixed, l->self.sum);
  station_forward(s, &l->self, weights, p->self_out, norm_after(s, index, SITE_SELF), index, SITE_SELF, flow.stream);
  flow = flow_from(s, &l->self);

  if (s->decoder) {
    linear_forward(weights, p->cross_kv, keys, d, 2 * d, s->memory, l->kv);
    bias_add(keys, 2 * d, l->kv, weights + p->cross_kv.bias);
    linear_forward(weights, p->cross_q, rows, d, d, flow.input, l->query);
    bias_add(rows, d, l->query, weights + p->cross_q.bias);
    attention_forward(&s->cross_blocks, l->query, d, l->kv, 2 * d, l->kv + d, 2 * d, l->cross_mixed, d, l->cross_probs);
    linear_forward(weights, p->cross_out, rows, d, d, l->cross_mixed, l->cross.sum);
    station_forward(s, &l->cross, weights, p->cross_out, norm_after(s, index, SITE_CROSS), index, SITE_CROSS,
                    flow.stream);
    flow = flow_from(s, &l->cross);
  }

  linear_forward(weights, p->up, rows, d, ff, flow.input, l->up);
  const uint8_t *mask = mask_draw(s, index, SITE_HIDDEN, ff, l->hidden_mask);
  activate_forward(s->shape->activation == ACTIVATION_GELU, rows, ff, l->up, weights + p->up.bias, mask,
                   dropout_scale(s->dropout.rate), l->hidden);
  linear_forward(weights, p->down, rows, ff, d, l->hidden, l->ff.sum);
  station_forward(s, &l->ff, weights, p->down, norm_after(s, index, SITE_FF), index, SITE_FF, flow.stream);
}

float *stack_forward(Stack *s, const float *weights, float *x, const StackBlocks *blocks, const float *memory,
                     const Dropout *dropout) {
  int d = s->shape->width, heads = s->shape->heads;
  const int32_t *starts = s->decoder ? blocks->tokens : blocks->cells;
  s->dropout = dropout ? *dropout : (Dropout){0};
  CHECK(s->keep || !dropping(s));
  s->input = x, s->memory = memory;
  s->prefixes = s->decoder ? blocks->prefixes : NULL;
  s->self_blocks = (AttentionBlocks){.blocks = s->decoder ? blocks->captions : blocks->images,
                                     .heads = heads,
                                     .width = d / heads,
                                     .causal = s->decoder,
                                     .max_keys = longest_block(s),
                                     .query_start = starts,
                                     .key_start = starts};
  s->cross_blocks = (AttentionBlocks){.blocks = blocks->images,
                                      .heads = heads,
                                      .width = d / heads,
                                      .max_keys = s->shape->cells,
                                      .query_start = s->decoder ? blocks->prefixes->start : NULL,
                                      .key_start = blocks->cells};
  if (!s->layers) return x;
  if (s->shape->norm == NORM_PRE) {
    Norm norm = s->params[0].norm_self;
    norm_forward(s->rows, d, NULL, x, NULL, NULL, 1.0f, weights + norm.weight, weights + norm.bias, s->first.out,
                 s->first.mean, s->first.rstd);
  }
  for (int i = 0; i < s->layers; i++) layer_forward(s, i, weights);
  return s->layer[s->layers - 1].ff.out;
}

/* --- backward --------------------------------------------------------------------------------------------------- */

/* Through a station: `d` [rows, D] is the gradient of its normalised output. Returns the gradient of the sub-layer's
 * output; that of the stream is left in d (post-norm) or d_stream (pre-norm). */
static const float *station_backward(Stack *s, const Station *station, const float *weights, Linear linear, Norm norm,
                                     bool outermost, float *d, float *gradients) {
  bool pre = s->shape->norm == NORM_PRE;
  float *d_sum = pre ? s->d_stream : d;
  const uint8_t *mask = dropping(s) ? station->mask : NULL;
  norm_backward(s->rows, s->shape->width, d, pre && !outermost ? s->d_stream : NULL, station->sum, station->mean,
                station->rstd, weights + norm.weight, mask, dropout_scale(s->dropout.rate), d_sum, s->d_y,
                gradients + norm.weight, gradients + norm.bias, gradients + linear.bias, s->sums);
  return mask ? s->d_y : d_sum;
}

static void ff_backward(Stack *s, int index, const float *weights, const float *input, float *d_x, float *gradients) {
  const LayerParams *p = &s->params[index];
  LayerState *l = &s->layer[index];
  int d = s->shape->width, ff = s->shape->feed_forward;
  const float *d_y = station_backward(s, &l->ff, weights, p->down, norm_after(s, index, SITE_FF),
                                      index == s->layers - 1, d_x, gradients);
  linear_backward(weights, p->down, s->rows, ff, d, l->hidden, d_y, false, s->d_hidden, gradients);
  activate_backward(s->shape->activation == ACTIVATION_GELU, s->rows, ff, l->up, l->hidden,
                    dropping(s) ? l->hidden_mask : NULL, dropout_scale(s->dropout.rate), s->d_hidden,
                    gradients + p->up.bias, s->sums);
  bool add = s->shape->norm == NORM_POST; /* the stream is the input */
  linear_backward(weights, p->up, s->rows, d, ff, input, s->d_hidden, add, d_x, gradients);
}

static void cross_backward(Stack *s, int index, const float *weights, const float *input, float *d_x, float *d_memory,
                           float *gradients) {
  const LayerParams *p = &s->params[index];
  LayerState *l = &s->layer[index];
  int d = s->shape->width;
  float *d_query = s->d_qkv;
  const float *d_y =
      station_backward(s, &l->cross, weights, p->cross_out, norm_after(s, index, SITE_CROSS), false, d_x, gradients);
  linear_backward(weights, p->cross_out, s->rows, d, d, l->cross_mixed, d_y, false, s->d_mixed, gradients);
  attention_backward(&s->cross_blocks, l->query, d, l->kv, 2 * d, l->kv + d, 2 * d, l->cross_probs, s->d_mixed, d,
                     d_query, s->d_kv, s->d_kv + d, s->d_probs);
  column_sum(s->rows, d, d_query, gradients + p->cross_q.bias);
  column_sum(s->keys, 2 * d, s->d_kv, gradients + p->cross_kv.bias);
  bool add = s->shape->norm == NORM_POST;
  linear_backward(weights, p->cross_q, s->rows, d, d, input, d_query, add, d_x, gradients);
  bool later = index < s->layers - 1; /* the layers' shares add up */
  linear_backward(weights, p->cross_kv, s->keys, d, 2 * d, s->memory, s->d_kv, later, d_memory, gradients);
}

static void self_backward(Stack *s, int index, const float *weights, const float *input, float *d_x, float *gradients) {
  const LayerParams *p = &s->params[index];
  LayerState *l = &s->layer[index];
  int d = s->shape->width;
  const float *d_y =
      station_backward(s, &l->self, weights, p->self_out, norm_after(s, index, SITE_SELF), false, d_x, gradients);
  linear_backward(weights, p->self_out, s->rows, d, d, l->self_mixed, d_y, false, s->d_mixed, gradients);
  if (s->prefixes) prefixes_place(s->prefixes, d, s->d_mixed);
  attention_backward(&s->self_blocks, l->qkv, 3 * d, l->qkv + d, 3 * d, l->qkv + 2 * d, 3 * d, l->self_probs,
                     s->d_mixed, d, s->d_qkv, s->d_qkv + d, s->d_qkv + 2 * d, s->d_probs);
  if (s->prefixes) prefixes_sum(s->prefixes, 3 * d, s->d_qkv);
  column_sum(s->rows, 3 * d, s->d_qkv, gradients + p->self_qkv.bias);
  bool add = s->shape->norm == NORM_POST;
  linear_backward(weights, p->self_qkv, s->rows, d, 3 * d, input, s->d_qkv, add, d_x, gradients);
}

void stack_backward(Stack *s, const float *weights, float *d_x, float *d_memory, float *gradients) {
  CHECK(s->keep);
  for (int i = s->layers - 1; i >= 0; i--) {
    LayerState *l = &s->layer[i];
    ff_backward(s, i, weights, flow_from(s, s->decoder ? &l->cross : &l->self).input, d_x, gradients);
    if (s->decoder) cross_backward(s, i, weights, flow_from(s, &l->self).input, d_x, d_memory, gradients);
    self_backward(s, i, weights, flow_into_layer(s, i).input, d_x, gradients);
  }
  if (s->shape->norm == NORM_PRE && s->layers) {
    Norm norm = s->params[0].norm_self;
    norm_backward(s->rows, s->shape->width, d_x, s->d_stream, s->input, s->first.mean, s->first.rstd,
                  weights + norm.weight, NULL, 1.0f, d_x, NULL, gradients + norm.weight, gradients + norm.bias, NULL,
                  s->sums);
  }
}
