/* The captioner once more, as slowly and plainly as it can be written: double precision, one caption, the whole
 * prefix each time. What the decoder and the captioner are held against. */
#ifndef TROUPE_TESTS_NAIVE_H
#define TROUPE_TESTS_NAIVE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/base/status.h"
#include "common/model/decode.h"

static double *naive_new(long n) { return xcalloc((unsigned long)n, sizeof(double)); }

static double *naive_linear(const float *w, Linear layer, int rows, int in, int out, const double *x) {
  double *y = naive_new((long)rows * out);
  for (int r = 0; r < rows; r++)
    for (int o = 0; o < out; o++) {
      double sum = (double)w[layer.bias + (size_t)o];
      for (int i = 0; i < in; i++) sum += x[r * in + i] * (double)w[layer.weight + (size_t)(o * in + i)];
      y[r * out + o] = sum;
    }
  return y;
}

static void naive_norm(const float *w, Norm norm, int rows, int d, double *x) {
  for (int r = 0; r < rows; r++, x += d) {
    double mean = 0, square = 0;
    for (int i = 0; i < d; i++) mean += x[i] / d;
    for (int i = 0; i < d; i++) square += (x[i] - mean) * (x[i] - mean) / d;
    for (int i = 0; i < d; i++)
      x[i] =
          (x[i] - mean) / sqrt(square + 1e-5) * (double)w[norm.weight + (size_t)i] + (double)w[norm.bias + (size_t)i];
  }
}

/* q [rows, ldq], k and v [keys, ldkv]; causal: row r sees keys 0 .. r. */
static double *naive_attention(int rows, int keys, int causal, int d, int heads, const double *q, int ldq,
                               const double *k, const double *v, int ldkv) {
  double *out = naive_new((long)rows * d), *p = naive_new(keys);
  int dh = d / heads;
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < heads; h++) {
      int seen = causal ? r + 1 : keys;
      double sum = 0;
      for (int j = 0; j < seen; j++) {
        double score = 0;
        for (int i = h * dh; i < (h + 1) * dh; i++) score += q[r * ldq + i] * k[j * ldkv + i];
        sum += p[j] = exp(score / sqrt(dh));
      }
      for (int j = 0; j < seen; j++)
        for (int i = h * dh; i < (h + 1) * dh; i++) out[r * d + i] += p[j] / sum * v[j * ldkv + i];
    }
  free(p);
  return out;
}

typedef struct Naive {
  const ParamTable *table;
  const float *weights;
  const double *memory; /* [N, D] */
} Naive;

/* f of a sublayer: 0 self-attention, 1 cross-attention (skipped in the encoder: memory NULL), 2 feed-forward. */
static double *naive_sublayer(const Naive *n, const LayerParams *p, int kind, int causal, int rows, const double *x) {
  const ModelShape *s = &n->table->shape;
  int d = s->width, f = s->feed_forward;
  double *a, *b, *y;
  if (kind == 0) {
    a = naive_linear(n->weights, p->self_qkv, rows, d, 3 * d, x);
    b = naive_attention(rows, rows, causal, d, s->heads, a, 3 * d, a + d, a + 2 * d, 3 * d);
    y = naive_linear(n->weights, p->self_out, rows, d, d, b);
  } else if (kind == 1) {
    double *kv = naive_linear(n->weights, p->cross_kv, s->cells, d, 2 * d, n->memory);
    a = naive_linear(n->weights, p->cross_q, rows, d, d, x);
    b = naive_attention(rows, s->cells, 0, d, s->heads, a, d, kv, kv + d, 2 * d);
    y = naive_linear(n->weights, p->cross_out, rows, d, d, b);
    free(kv);
  } else {
    a = naive_linear(n->weights, p->up, rows, d, f, x);
    for (long i = 0; i < (long)rows * f; i++)
      a[i] = s->activation == ACTIVATION_RELU ? fmax(a[i], 0) : 0.5 * a[i] * (1 + erf(a[i] / sqrt(2)));
    b = NULL;
    y = naive_linear(n->weights, p->down, rows, f, d, a);
  }
  free(a);
  free(b);
  return y;
}

static void naive_layer(const Naive *n, const LayerParams *p, int decoder, int rows, double *x) {
  int d = n->table->shape.width, pre = n->table->shape.norm == NORM_PRE;
  const Norm norms[] = {p->norm_self, p->norm_cross, p->norm_ff};
  for (int kind = 0; kind < 3; kind++) {
    if (kind == 1 && !decoder) continue;
    double *in = naive_new((long)rows * d);
    memcpy(in, x, (size_t)(rows * d) * sizeof *x);
    if (pre) naive_norm(n->weights, norms[kind], rows, d, in);
    double *y = naive_sublayer(n, p, kind, decoder, rows, in);
    for (int i = 0; i < rows * d; i++) x[i] += y[i];
    if (!pre) naive_norm(n->weights, norms[kind], rows, d, x);
    free(in);
    free(y);
  }
}

/* Memory [N, D] of one picture [N, F]; free it. */
static double *naive_memory(const ParamTable *table, const float *weights, const float *features) {
  const ModelShape *s = &table->shape;
  double *x = naive_new((long)s->cells * s->features);
  for (int i = 0; i < s->cells * s->features; i++) x[i] = (double)features[i];
  double *memory = naive_linear(weights, table->image, s->cells, s->features, s->width, x);
  free(x);
  Naive n = {table, weights, NULL};
  for (int l = 0; l < s->encoder_layers; l++) naive_layer(&n, &table->encoder[l], 0, s->cells, memory);
  if (s->encoder_layers && s->norm == NORM_PRE) naive_norm(weights, table->norm_encoder, s->cells, s->width, memory);
  return memory;
}

/* Logits [rows, V] after the start token and tokens[0 .. rows - 2]; free them. */
static double *naive_logits(const Naive *n, const int32_t *tokens, int rows) {
  const ParamTable *t = n->table;
  int d = t->shape.width;
  double *x = naive_new((long)rows * d);
  for (int r = 0; r < rows; r++) {
    int token = r ? tokens[r - 1] : TOKEN_START;
    for (int i = 0; i < d; i++)
      x[r * d + i] = (double)n->weights[t->token_embedding + (size_t)(token * d + i)] +
                     (double)n->weights[t->position_embedding + (size_t)(r * d + i)];
  }
  naive_norm(n->weights, t->norm_embedding, rows, d, x);
  for (int l = 0; l < t->shape.decoder_layers; l++) naive_layer(n, &t->decoder[l], 1, rows, x);
  if (t->shape.norm == NORM_PRE) naive_norm(n->weights, t->norm_final, rows, d, x);
  double *logits = naive_linear(n->weights, t->output, rows, d, t->shape.vocabulary, x);
  free(x);
  return logits;
}

/* log softmax(logits / temperature)[token] over the whole vocabulary. */
static inline double naive_logp(const double *logits, int vocabulary, double temperature, int token) {
  double sum = 0;
  for (int i = 0; i < vocabulary; i++) sum += exp((logits[i] - logits[token]) / temperature);
  return -log(sum);
}

/* A model of this shape with every weight random, the biases and norms too. `spread` widens the logits. */
static inline float *naive_weights(ParamTable *table, const ModelShape *shape, uint64_t seed, float spread) {
  CHECK(params_init(table, shape) == OK);
  float *w = params_block(table);
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    size_t length = strlen(row->name);
    int is_scale = length > 11 && strcmp(row->name + length - 11, "norm.weight") == 0;
    for (size_t i = 0; i < row->count; i++) {
      RngKey key = {.seed = seed, .stage = RNG_TEST, .iteration = (uint32_t)r, .image = (uint32_t)i};
      float z = rng_normal(&key);
      w[row->offset + i] = row->columns > 1 ? z / sqrtf((float)row->columns) : is_scale ? 1 + 0.2f * z : 0.3f * z;
      if (row->offset == table->output.weight) w[row->offset + i] *= spread;
    }
  }
  return w;
}

static inline float *naive_features(const ModelShape *s, int images, uint64_t seed) {
  size_t count = (size_t)images * (size_t)s->cells * (size_t)s->features;
  float *x = xmalloc(count * sizeof *x);
  for (size_t i = 0; i < count; i++)
    x[i] = rng_normal(&(RngKey){.seed = seed, .stage = RNG_TEST, .iteration = 999, .image = (uint32_t)i});
  return x;
}

#endif
