/* The transformer decoder, one position at a time. Shapes are those of decode_step.h. */
#include "common/model/decode_step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/model/draw.h"
#include "common/model/exponential.h"
#include "common/model/small_product.h"
#include "common/tensor/gemm.h"

static int padded(int n) { return (n + VECTOR - 1) / VECTOR * VECTOR; }

/* --- layout ------------------------------------------------------------------------------------------------------- */

typedef struct Need {
  void *where; /* address of the pointer to set */
  size_t words; /* of 4 bytes */
} Need;

enum { NEEDS_MAX = 16 + 3 * LAYERS_MAX };

static int needs_list(const Decoder *decoder, DecoderState *s, Need needs[NEEDS_MAX]) {
  const ModelShape *shape = &decoder->table->shape;
  size_t m = (size_t)decoder->max_images, r = (size_t)decoder->max_rows, d = (size_t)shape->width;
  size_t n = (size_t)shape->cells, np = (size_t)padded(shape->cells), t = (size_t)decoder->max_length;
  size_t scores = SMALL_ROWS * np > t ? SMALL_ROWS * np : t;
  int count = 0;
#define NEED(pointer, size) needs[count++] = (Need){&(pointer), (size)}
  NEED(s->memory, m * n * d);
  for (int l = 0; l < shape->decoder_layers; l++) {
    NEED(s->cross_keys[l], m * d * np);
    NEED(s->cross_values[l], m * n * d + 2 * VECTOR);
    NEED(s->cache[l], r * t * 2 * d);
  }
  NEED(s->stream, r * d);
  NEED(s->normed, r * d);
  NEED(s->mixed, r * d);
  NEED(s->added, r * d);
  NEED(s->qkv, r * 3 * d);
  NEED(s->hidden, r * (size_t)shape->feed_forward);
  NEED(s->logits, r * (size_t)shape->vocabulary);
  NEED(s->scores, scores);
  NEED(s->draw, draw_scratch(shape->vocabulary));
  NEED(s->row, r);
  NEED(s->token, r);
  NEED(s->slot, r);
  NEED(s->image, r);
#undef NEED
  return count;
}

void decoder_init(Decoder *decoder, const ParamTable *table, int max_images, int max_rows, int max_length) {
  CHECK(max_images > 0 && max_rows >= max_images && max_length > 0 && max_length <= table->shape.positions);
  CHECK(table->shape.encoder_layers == 0);
  *decoder = (Decoder){.table = table, .max_images = max_images, .max_rows = max_rows, .max_length = max_length,
                       .state = xcalloc(1, sizeof(DecoderState))};
  Need needs[NEEDS_MAX];
  int count = needs_list(decoder, decoder->state, needs);
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += arena_rounded(needs[i].words * 4);
  arena_init(&decoder->arena, bytes);
  for (int i = 0; i < count; i++) {
    void *block = memset(arena_take(&decoder->arena, needs[i].words * 4), 0, needs[i].words * 4);
    memcpy(needs[i].where, &block, sizeof block);
  }
}

void decoder_free(Decoder *decoder) {
  arena_free(&decoder->arena);
  free(decoder->state);
  *decoder = (Decoder){0};
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* y [rows, out] = x [rows, in] W^T + b */
static void linear(const float *weights, Linear layer, int rows, int in, int out, const float *x, float *y) {
  for (int r = 0; r < rows; r++) memcpy(y + (long)r * out, weights + layer.bias, (size_t)out * sizeof *y);
  gemm(false, true, rows, out, in, 1, x, in, weights + layer.weight, in, 1, y, out);
}

/* y = LayerNorm(x + add) row by row; add may be NULL. Where `sum` is not NULL it takes x + add. */
static void norm_rows(const float *weights, Norm norm, int rows, int d, const float *x, const float *add, float *sum,
                      float *y) {
  const float *w = weights + norm.weight, *b = weights + norm.bias;
  for (int r = 0; r < rows; r++, x += d, y += d) {
    float total = 0, square = 0;
    if (add) {
#pragma omp simd reduction(+ : total)
      for (int i = 0; i < d; i++) total += (y[i] = x[i] + add[i]);
      add += d;
    } else {
#pragma omp simd reduction(+ : total)
      for (int i = 0; i < d; i++) total += (y[i] = x[i]);
    }
    if (sum) memcpy(sum + (long)r * d, y, (size_t)d * sizeof *y);
    float mean = total / (float)d;
#pragma omp simd reduction(+ : square)
    for (int i = 0; i < d; i++) square += (y[i] - mean) * (y[i] - mean);
    float scale = 1 / sqrtf(square / (float)d + 1e-5f);
#pragma omp simd
    for (int i = 0; i < d; i++) y[i] = (y[i] - mean) * scale * w[i] + b[i];
  }
}

/* p [n] = softmax(x * scale), in place. */
static void softmax(float *x, int n, float scale) {
  float max = x[0], sum = 0;
  for (int i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += (x[i] = exponential((x[i] - max) * scale));
  float inverse = 1 / sum;
#pragma omp simd
  for (int i = 0; i < n; i++) x[i] *= inverse;
}

static float dot(const float *a, const float *b, int n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* Keys and values of this position go to the cache; out [count, D] = attention of each row's query over its positions. */
static void attend_self(Decoder *decoder, const StepRows *rows, int layer, float *out) {
  DecoderState *s = decoder->state;
  int d = decoder->table->shape.width, heads = decoder->table->shape.heads, dh = d / heads, t = rows->position;
  long entry = 2 * d, slot_size = (long)decoder->max_length * entry;
  float *cache = s->cache[layer], scale = 1 / sqrtf((float)dh);
  for (int r = 0; r < rows->count; r++) {
    const float *q = s->qkv + (long)r * 3 * d;
    memcpy(cache + rows->slot[r] * slot_size + t * entry, q + d, (size_t)entry * sizeof *q);
    const int32_t *history = rows->history ? rows->history + (long)r * decoder->max_length : NULL;
    float *o = memset(out + (long)r * d, 0, (size_t)d * sizeof *o);
    for (int h = 0; h < heads; h++) {
      float *p = s->scores;
      for (int j = 0; j <= t; j++) {
        int slot = history && j < t ? history[j] : rows->slot[r];
        p[j] = dot(q + h * dh, cache + slot * slot_size + j * entry + h * dh, dh);
      }
      softmax(p, t + 1, scale);
      for (int j = 0; j <= t; j++) {
        int slot = history && j < t ? history[j] : rows->slot[r];
        const float *v = cache + slot * slot_size + j * entry + d + h * dh;
        float weight = p[j];
#pragma omp simd
        for (int i = 0; i < dh; i++) o[h * dh + i] += weight * v[i];
      }
    }
  }
}

/* out [count, D] = attention of the queries [count, D] over the cells of each row's picture, shared by its rows. */
static void attend_cells(Decoder *decoder, const StepRows *rows, int layer, const float *queries, float *out) {
  DecoderState *s = decoder->state;
  const ModelShape *shape = &decoder->table->shape;
  int d = shape->width, dh = d / shape->heads, n = shape->cells, np = padded(n);
  float scale = 1 / sqrtf((float)dh);
  for (int r = 0, group; r < rows->count; r += group) {
    long image = rows->image[r];
    for (group = 1; group < SMALL_ROWS && r + group < rows->count && rows->image[r + group] == image;) group++;
    const float *keys = s->cross_keys[layer] + image * d * np, *values = s->cross_values[layer] + image * n * d;
    for (int h = 0; h < shape->heads; h++) {
      small_product(group, n, dh, queries + (long)r * d + h * dh, d, keys + (long)h * dh * np, np, s->scores, np);
      for (int g = 0; g < group; g++) softmax(s->scores + g * np, n, scale);
      small_product(group, dh, n, s->scores, np, values + h * dh, d, out + (long)r * d + h * dh, d);
    }
  }
}

static void activate(Activation activation, float *x, size_t n) {
  if (activation == ACTIVATION_RELU)
    for (size_t i = 0; i < n; i++) x[i] = x[i] > 0 ? x[i] : 0;
  else
    for (size_t i = 0; i < n; i++) x[i] = 0.5f * x[i] * (1 + erff(x[i] * 0.70710678f));
}

/* The three sublayers share this frame. Post-norm: x = LN(x + f(x)). Pre-norm: x = x + f(LN(x)); `normed` holds the
 * input of f either way. */
typedef enum Sublayer { SUB_SELF, SUB_CROSS, SUB_FEED_FORWARD } Sublayer;

static void sublayer(Decoder *decoder, const float *weights, const StepRows *rows, int layer, Sublayer kind,
                     const float *x, float *y) {
  DecoderState *s = decoder->state;
  const ModelShape *shape = &decoder->table->shape;
  const LayerParams *p = &decoder->table->decoder[layer];
  int r = rows->count, d = shape->width, f = shape->feed_forward;
  if (kind == SUB_SELF) {
    linear(weights, p->self_qkv, r, d, 3 * d, x, s->qkv);
    attend_self(decoder, rows, layer, s->mixed);
    linear(weights, p->self_out, r, d, d, s->mixed, y);
  } else if (kind == SUB_CROSS) {
    linear(weights, p->cross_q, r, d, d, x, s->qkv);
    attend_cells(decoder, rows, layer, s->qkv, s->mixed);
    linear(weights, p->cross_out, r, d, d, s->mixed, y);
  } else {
    linear(weights, p->up, r, d, f, x, s->hidden);
    activate(shape->activation, s->hidden, (size_t)r * (size_t)f);
    linear(weights, p->down, r, f, d, s->hidden, y);
  }
}

void decoder_step(Decoder *decoder, const float *weights, const StepRows *rows) {
  DecoderState *s = decoder->state;
  const ParamTable *table = decoder->table;
  const ModelShape *shape = &table->shape;
  int r = rows->count, d = shape->width;
  const float *place = weights + table->position_embedding + (long)rows->position * d;
  for (int i = 0; i < r; i++) {
    const float *word = weights + table->token_embedding + (long)rows->token[i] * d;
    for (int j = 0; j < d; j++) s->mixed[(long)i * d + j] = word[j] + place[j];
  }
  norm_rows(weights, table->norm_embedding, r, d, s->mixed, NULL, NULL, s->stream);
  bool pre = shape->norm == NORM_PRE;
  for (int l = 0; l < shape->decoder_layers; l++) {
    const LayerParams *p = &table->decoder[l];
    const Norm norms[] = {p->norm_self, p->norm_cross, p->norm_ff};
    for (int kind = SUB_SELF; kind <= SUB_FEED_FORWARD; kind++) {
      if (pre) norm_rows(weights, norms[kind], r, d, s->stream, NULL, NULL, s->normed);
      sublayer(decoder, weights, rows, l, kind, pre ? s->normed : s->stream, s->added);
      if (pre)
        for (long i = 0; i < (long)r * d; i++) s->stream[i] += s->added[i];
      else
        norm_rows(weights, norms[kind], r, d, s->stream, s->added, NULL, s->stream);
    }
  }
  if (pre) norm_rows(weights, table->norm_final, r, d, s->stream, NULL, NULL, s->stream);
  linear(weights, table->output, r, d, shape->vocabulary, s->stream, s->logits);
}

void decoder_see(Decoder *decoder, const float *weights, int images, const float *features) {
  CHECK(images > 0 && images <= decoder->max_images);
  DecoderState *s = decoder->state;
  const ParamTable *table = decoder->table;
  int d = table->shape.width, n = table->shape.cells, np = padded(n);
  linear(weights, table->image, images * n, table->shape.features, d, features, s->memory);
  for (int l = 0; l < table->shape.decoder_layers; l++) {
    Linear kv = table->decoder[l].cross_kv;
    const float *weight = weights + kv.weight, *bias = weights + kv.bias;
    for (int i = 0; i < images; i++) { /* keys [D, N] = W_k memory^T + b, straight into the transposed layout */
      float *keys = s->cross_keys[l] + (long)i * d * np;
      for (int j = 0; j < d; j++)
        for (int c = 0; c < n; c++) keys[(long)j * np + c] = bias[j];
      gemm(false, true, d, n, d, 1, weight, d, s->memory + (long)i * n * d, d, 1, keys, np);
    }
    Linear v = {kv.weight + (size_t)d * (size_t)d, kv.bias + (size_t)d};
    linear(weights, v, images * n, d, d, s->memory, s->cross_values[l]);
  }
}
