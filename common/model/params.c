/* The table of weights: layout and initial values. */
#include "common/model/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"

static size_t row_add(ParamTable *table, int rows, int columns, bool decayed, const char *name) {
  table->rows = xrealloc(table->rows, (size_t)(table->count + 1) * sizeof *table->rows);
  Param *row = &table->rows[table->count++];
  *row = (Param){.rows = rows,
                 .columns = columns,
                 .offset = table->total,
                 .count = (size_t)rows * (size_t)columns,
                 .decayed = decayed};
  snprintf(row->name, sizeof row->name, "%s", name);
  table->total += (row->count + 15) & ~(size_t)15;
  return row->offset;
}

static Linear linear_add(ParamTable *table, int out, int in, const char *name) {
  char weight[PARAM_NAME], bias[PARAM_NAME];
  snprintf(weight, sizeof weight, "%s.weight", name);
  snprintf(bias, sizeof bias, "%s.bias", name);
  Linear linear;
  linear.weight = row_add(table, out, in, true, weight);
  linear.bias = row_add(table, out, 1, false, bias);
  return linear;
}

static Norm norm_add(ParamTable *table, const char *name) {
  char weight[PARAM_NAME], bias[PARAM_NAME];
  snprintf(weight, sizeof weight, "%s.weight", name);
  snprintf(bias, sizeof bias, "%s.bias", name);
  Norm norm;
  norm.weight = row_add(table, table->shape.width, 1, false, weight);
  norm.bias = row_add(table, table->shape.width, 1, false, bias);
  return norm;
}

static LayerParams layer_add(ParamTable *table, const char *stack, int index, bool decoder) {
  int d = table->shape.width, f = table->shape.feed_forward;
  char name[PARAM_NAME];
  LayerParams layer = {0};
#define NAMED(part) (snprintf(name, sizeof name, "%s.%d.%s", stack, index, part), name)
  layer.self_qkv = linear_add(table, 3 * d, d, NAMED("self.qkv"));
  layer.self_out = linear_add(table, d, d, NAMED("self.out"));
  layer.norm_self = norm_add(table, NAMED("self.norm"));
  if (decoder) {
    layer.cross_q = linear_add(table, d, d, NAMED("cross.q"));
    layer.cross_kv = linear_add(table, 2 * d, d, NAMED("cross.kv"));
    layer.cross_out = linear_add(table, d, d, NAMED("cross.out"));
    layer.norm_cross = norm_add(table, NAMED("cross.norm"));
  }
  layer.up = linear_add(table, f, d, NAMED("ff.up"));
  layer.down = linear_add(table, d, f, NAMED("ff.down"));
  layer.norm_ff = norm_add(table, NAMED("ff.norm"));
#undef NAMED
  return layer;
}

static Status shape_check(const ModelShape *s) {
  if (s->width < 1 || s->heads < 1 || s->width % s->heads)
    return status_set(BAD_INPUT, "model.d_model %d is not a positive multiple of model.heads %d", s->width, s->heads);
  if (s->feed_forward < 1)
    return status_set(BAD_INPUT, "model.d_ff %d; a positive width was expected", s->feed_forward);
  if (s->decoder_layers < 1 || s->decoder_layers > LAYERS_MAX)
    return status_set(BAD_INPUT, "model.dec_layers %d; 1 to %d was expected", s->decoder_layers, LAYERS_MAX);
  if (s->encoder_layers < 0 || s->encoder_layers > LAYERS_MAX)
    return status_set(BAD_INPUT, "model.enc_layers %d; 0 to %d was expected", s->encoder_layers, LAYERS_MAX);
  if (s->vocabulary < 4 || s->cells < 1 || s->features < 1 || s->positions < 2)
    return status_set(
        BAD_INPUT,
        "the model's shape: vocabulary %d, grid %d x %d, positions %d; at least 4, 1 x 1 and 2 were expected",
        s->vocabulary, s->cells, s->features, s->positions);
  return OK;
}

Status params_init(ParamTable *table, const ModelShape *shape) {
  *table = (ParamTable){.shape = *shape};
  TRY(shape_check(shape));
  int d = shape->width;
  table->image = linear_add(table, d, shape->features, "image");
  for (int i = 0; i < shape->encoder_layers; i++) table->encoder[i] = layer_add(table, "encoder", i, false);
  if (shape->encoder_layers && shape->norm == NORM_PRE) table->norm_encoder = norm_add(table, "encoder.norm");
  table->token_embedding = row_add(table, shape->vocabulary, d, true, "embedding.token");
  table->position_embedding = row_add(table, shape->positions, d, true, "embedding.position");
  table->norm_embedding = norm_add(table, "embedding.norm");
  for (int i = 0; i < shape->decoder_layers; i++) table->decoder[i] = layer_add(table, "decoder", i, true);
  if (shape->norm == NORM_PRE) table->norm_final = norm_add(table, "decoder.norm");
  table->output.weight =
      shape->tied ? table->token_embedding : row_add(table, shape->vocabulary, d, true, "output.weight");
  table->output.bias = row_add(table, shape->vocabulary, 1, false, "output.bias");
  return OK;
}

void params_free(ParamTable *table) {
  free(table->rows);
  *table = (ParamTable){0};
}

float *params_block(const ParamTable *table) {
  size_t bytes = (table->total * sizeof(float) + 63) & ~(size_t)63;
  return memset(xaligned(bytes), 0, bytes);
}

static bool ends_with(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

void params_initialise(const ParamTable *table, uint64_t seed, float *weights) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    float *w = weights + row->offset;
    bool embedding = strncmp(row->name, "embedding.", 10) == 0 && row->columns > 1;
    if (param_rank(row) == 1) { /* biases 0, norm weights 1 */
      float value = ends_with(row->name, "norm.weight") ? 1.0f : 0.0f;
      for (size_t i = 0; i < row->count; i++) w[i] = value;
      continue;
    }
    float bound = sqrtf(6.0f / (float)(row->rows + row->columns)), deviation = 1.0f / sqrtf((float)row->columns);
    for (size_t i = 0; i < row->count; i++) {
      RngKey key = {.seed = seed, .stage = RNG_INIT, .iteration = (uint32_t)r, .image = (uint32_t)i};
      w[i] = embedding ? deviation * rng_normal(&key) : bound * (2.0f * rng_uniform(&key) - 1.0f);
    }
  }
}

int params_find(const ParamTable *table, const char *name) {
  for (int r = 0; r < table->count; r++)
    if (strcmp(table->rows[r].name, name) == 0) return r;
  return -1;
}
