/* The captioner: image memory, decoder, log-probabilities; and the way back. */
#include "common/model/captioner.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"
#include "common/model/cells.h"
#include "common/model/stack.h"
#include "common/tensor/gemm.h"
#include "common/tensor/kernels.h"
#include "common/tensor/softmax.h"

enum { SITE_EMBEDDING = 0, SITE_IMAGE = 65535, LOGIT_ROWS = 448 /* rows of logits made and reduced at a time */ };

typedef struct CaptionerState {
  bool keep, ready; /* initialised for backward; a forward pass waits for it */
  CaptionBatch batch;
  float scale;     /* 1 / temperature */
  Dropout dropout; /* rate 0 = none */
  Stack encoder, decoder;
  Prefixes prefixes;                                   /* R rows of the T tokens */
  int32_t *cell_start;                                 /* [M + 1] */
  int cells;                                           /* K <= M N: cells of all pictures */
  float *grid, *memory;                                /* [K, D]: linear map, encoder's output (the same without one) */
  float *embedded, *x, *embedded_mean, *embedded_rstd; /* [R, D] before and after the norm */
  uint8_t *embedded_mask, *grid_mask;
  float *output, *logits;             /* [R, D], [R, V] */
  float *log_sum, *entropy, *mean_z;  /* [R]: of a row's logits */
  float *d_logp, *d_entropy, *d_mean; /* [R]: sums over its tokens */
  float *d_memory;                    /* [K, D] */
} CaptionerState;

static void index_take(CaptionerState *s, Arena *arena, int images, int tokens) {
  prefixes_take(&s->prefixes, arena, images, tokens);
  s->cell_start = arena_take(arena, ((size_t)images + 1) * sizeof *s->cell_start);
}

/* Lays out a pass in the arena. What is dead when something else begins gives its memory to it: without backward the
 * encoder's scratch, the embedding, the decoder's scratch and the logits; with it the logits, the decoder's scratch of
 * backward and the encoder's. */
static void state_take(CaptionerState *s, const ModelShape *shape, Arena *arena) {
  int rows = s->prefixes.rows, tokens = s->prefixes.tokens, images = s->batch.images;
  size_t r = (size_t)rows, d = (size_t)shape->width, cells = (size_t)images * (size_t)shape->cells;
  s->grid = arena_floats(arena, cells * d);
  s->x = arena_floats(arena, r * d);
  float **columns[] = {&s->log_sum, &s->entropy, &s->mean_z, &s->d_logp, &s->d_entropy, &s->d_mean};
  for (int i = 0; i < 6; i++) *columns[i] = arena_floats(arena, r);
  stack_take(&s->encoder, arena, s->cells, s->cells, 0, s->keep);
  size_t mark = arena_mark(arena);
  s->embedded = arena_floats(arena, r * d);
  if (!s->keep) arena_release(arena, mark);
  if (s->keep) {
    s->embedded_mean = arena_floats(arena, r), s->embedded_rstd = arena_floats(arena, r);
    s->embedded_mask = arena_take(arena, r * d);
    s->grid_mask = arena_take(arena, cells * d);
    s->d_memory = arena_floats(arena, cells * d);
  }
  stack_take(&s->decoder, arena, rows, tokens, s->cells, s->keep);
  mark = arena_mark(arena);
  s->logits = arena_floats(arena, (s->keep || rows < LOGIT_ROWS ? r : LOGIT_ROWS) * (size_t)shape->vocabulary);
  for (int i = 0; s->keep && i < 2; i++) {
    arena_release(arena, mark);
    stack_take_backward(i ? &s->encoder : &s->decoder, arena);
  }
}

/* Bytes of the largest pass, by laying it out in an arena whose memory is never touched. */
static size_t arena_bytes(CaptionerState *s, const ModelShape *shape, int images, int tokens) {
  static unsigned char nowhere[64];
  Arena measure = {.base = nowhere, .size = (size_t)1 << 46};
  s->cells = images * shape->cells;
  s->batch.images = images;
  index_take(s, &measure, images, tokens);
  s->prefixes.rows = s->prefixes.tokens = tokens;
  state_take(s, shape, &measure);
  return measure.peak;
}

void captioner_init(Captioner *captioner, const ParamTable *table, int max_images, int max_captions, int max_tokens,
                    int backward) {
  CHECK(max_images > 0 && max_captions > 0 && max_tokens > 0);
  *captioner =
      (Captioner){.table = table, .max_images = max_images, .max_captions = max_captions, .max_tokens = max_tokens};
  captioner->state = xcalloc(1, sizeof *captioner->state);
  CaptionerState *s = captioner->state;
  s->keep = backward;
  stack_init(&s->encoder, table, false);
  stack_init(&s->decoder, table, true);
  arena_init(&captioner->arena, arena_bytes(s, &table->shape, max_images, max_tokens));
}

void captioner_free(Captioner *captioner) {
  if (captioner->state) arena_free(&captioner->arena);
  free(captioner->state);
  captioner->state = NULL;
}

static void batch_check(const CaptionBatch *b, const ModelShape *shape, const Captioner *captioner) {
  CHECK(b->images > 0 && b->images <= captioner->max_images);
  CHECK(b->captions > 0 && b->captions <= captioner->max_captions);
  CHECK(b->tokens > 0 && b->tokens <= captioner->max_tokens);
  CHECK(b->image_start[0] == 0 && b->image_start[b->images] == b->captions);
  CHECK(b->caption_start[0] == 0 && b->caption_start[b->captions] == b->tokens);
  for (int i = 0; i < b->images; i++) CHECK(b->image_start[i] <= b->image_start[i + 1]);
  for (int c = 0; c < b->captions; c++) {
    int length = b->caption_start[c + 1] - b->caption_start[c];
    CHECK(length >= 0 && length <= shape->positions);
  }
  for (int t = 0; t < b->tokens; t++) {
    CHECK(b->input[t] >= 0 && b->input[t] < shape->vocabulary);
    CHECK(b->target[t] >= 0 && b->target[t] < shape->vocabulary);
  }
}

static void index_make(CaptionerState *s, const ModelShape *shape) {
  prefixes_find(&s->prefixes, &s->batch, s->dropout.rate <= 0.0f);
  cells_count(s->batch.images, shape->cells, shape->features, s->batch.features, s->cell_start);
  s->cells = s->cell_start[s->batch.images];
}

/* Of the encoder and the decoder. */
static StackBlocks blocks_of(const CaptionerState *s) {
  return (StackBlocks){.images = s->batch.images,
                       .captions = s->batch.captions,
                       .cells = s->cell_start,
                       .tokens = s->batch.caption_start,
                       .prefixes = &s->prefixes};
}

/* --- image side: memory = encoder(drop(features W^T + b)) ------------------------------------------------------------ */

static void memory_forward(CaptionerState *s, const ParamTable *table, const float *weights) {
  const ModelShape *shape = &table->shape;
  int images = s->batch.images, n = shape->cells, d = shape->width, f = shape->features;
  gemm_linear(false, true, images * n, d, f, s->batch.features, f, weights + table->image.weight, f, false, s->grid, d);
  cells_pack(images, n, d, s->cell_start, s->grid);
  bias_add(s->cells, d, s->grid, weights + table->image.bias);
  if (s->dropout.image_rate > 0.0f) {
    dropout_mask(s->dropout.first_cell, s->cells, d, s->dropout.image_rate, s->dropout.seed, s->dropout.step,
                 SITE_IMAGE, s->grid_mask);
    dropout_apply(s->cells, d, s->grid_mask, dropout_scale(s->dropout.image_rate), s->grid);
  }
  const StackBlocks blocks = blocks_of(s);
  s->memory = stack_forward(&s->encoder, weights, s->grid, &blocks, NULL, &s->dropout);
}

static void memory_backward(CaptionerState *s, const ParamTable *table, const float *weights, float *gradients) {
  const ModelShape *shape = &table->shape;
  int images = s->batch.images, n = shape->cells, d = shape->width, f = shape->features;
  if (shape->encoder_layers) stack_backward(&s->encoder, weights, s->d_memory, NULL, gradients);
  if (s->dropout.image_rate > 0.0f)
    dropout_apply(s->cells, d, s->grid_mask, dropout_scale(s->dropout.image_rate), s->d_memory);
  column_sum(s->cells, d, s->d_memory, gradients + table->image.bias);
  cells_unpack(images, n, d, s->cell_start, s->d_memory);
  gemm_linear(true, false, d, f, images * n, s->d_memory, d, s->batch.features, f, true,
              gradients + table->image.weight, f);
}

/* --- token side: x = drop(norm(token + position)) --------------------------------------------------------------- */

static void embedding_forward(CaptionerState *s, const ParamTable *table, const float *weights) {
  int rows = s->prefixes.rows, d = table->shape.width;
  embed_forward(rows, d, weights + table->token_embedding, s->prefixes.input, weights + table->position_embedding,
                s->prefixes.position, s->embedded);
  norm_forward(rows, d, NULL, s->embedded, NULL, NULL, 1.0f, weights + table->norm_embedding.weight,
               weights + table->norm_embedding.bias, s->x, s->embedded_mean, s->embedded_rstd);
  if (s->dropout.rate <= 0.0f) return;
  dropout_mask(s->dropout.first_token, rows, d, s->dropout.rate, s->dropout.seed, s->dropout.step, SITE_EMBEDDING,
               s->embedded_mask);
  dropout_apply(rows, d, s->embedded_mask, dropout_scale(s->dropout.rate), s->x);
}

static void embedding_backward(CaptionerState *s, const ParamTable *table, const float *weights, float *d_x,
                               float *gradients) {
  int rows = s->prefixes.rows, d = table->shape.width;
  if (s->dropout.rate > 0.0f) dropout_apply(rows, d, s->embedded_mask, dropout_scale(s->dropout.rate), d_x);
  norm_backward(rows, d, d_x, NULL, s->embedded, s->embedded_mean, s->embedded_rstd,
                weights + table->norm_embedding.weight, NULL, 1.0f, d_x, NULL, gradients + table->norm_embedding.weight,
                gradients + table->norm_embedding.bias, NULL, s->decoder.sums);
  embed_backward(rows, d, d_x, s->prefixes.input, s->prefixes.position, gradients + table->token_embedding,
                 gradients + table->position_embedding);
}

/* --- vocabulary: logits = output W^T + b ------------------------------------------------------------------------ */

/* What the logits of a row tell of its tokens. */
static void row_read(const CaptionerState *s, int row, const float *z, const TokenOutputs *outputs) {
  for (int t = s->prefixes.first[row]; t >= 0; t = s->prefixes.next[t]) {
    if (outputs->logp) outputs->logp[t] = z[s->batch.target[t]] - s->log_sum[row];
    if (outputs->entropy) outputs->entropy[t] = s->entropy[row];
    if (outputs->mean_logp) outputs->mean_logp[t] = s->mean_z[row] - s->log_sum[row];
  }
}

/* By chunks of rows, reduced while they are in the cache; without backward every chunk uses the same rows. */
static void vocabulary_forward(CaptionerState *s, const ParamTable *table, const float *weights,
                               const TokenOutputs *outputs) {
  int all = s->prefixes.rows, d = table->shape.width, v = table->shape.vocabulary;
  for (int begin = 0; begin < all; begin += LOGIT_ROWS) {
    int rows = all - begin < LOGIT_ROWS ? all - begin : LOGIT_ROWS;
    float *logits = s->keep ? s->logits + (size_t)begin * v : s->logits;
    gemm_linear(false, true, rows, v, d, s->output + (size_t)begin * d, d, weights + table->output.weight, d, false,
                logits, v);
    logits_forward(rows, v, logits, weights + table->output.bias, s->scale, s->log_sum + begin, s->entropy + begin,
                   s->mean_z + begin);
    for (int r = 0; r < rows; r++) row_read(s, begin + r, logits + (size_t)r * (size_t)v, outputs);
  }
}

/* [R] = the sum over each row's tokens of [T], or zero. */
static void rows_sum(const Prefixes *prefixes, const float *of_tokens, float *of_rows) {
  memset(of_rows, 0, (size_t)prefixes->rows * sizeof *of_rows);
  for (int t = 0; of_tokens && t < prefixes->tokens; t++) of_rows[prefixes->row[t]] += of_tokens[t];
}

/* The output's gradient takes the output's place. */
static void vocabulary_backward(CaptionerState *s, const ParamTable *table, const float *weights,
                                const TokenGradients *outputs, float *gradients) {
  const Prefixes *p = &s->prefixes;
  int rows = p->rows, d = table->shape.width, v = table->shape.vocabulary;
  rows_sum(p, outputs->logp, s->d_logp);
  rows_sum(p, outputs->entropy, s->d_entropy);
  rows_sum(p, outputs->mean_logp, s->d_mean);
  logits_backward(rows, v, s->logits, s->scale, s->log_sum, s->entropy, s->d_logp, s->d_entropy, s->d_mean);
  for (int t = 0; outputs->logp && t < p->tokens; t++)
    s->logits[(size_t)p->row[t] * (size_t)v + (size_t)s->batch.target[t]] += outputs->logp[t] * s->scale;
  column_sum(rows, v, s->logits, gradients + table->output.bias);
  gemm_linear(true, false, v, d, rows, s->logits, v, s->output, d, true, gradients + table->output.weight, d);
  gemm_linear(false, false, rows, d, v, s->logits, v, weights + table->output.weight, d, false, s->output, d);
}

void captioner_forward(Captioner *captioner, const float *weights, const CaptionBatch *batch, float temperature,
                       const Dropout *dropout, const TokenOutputs *outputs) {
  const ParamTable *table = captioner->table;
  CaptionerState *s = captioner->state;
  CHECK(temperature > 0.0f);
  batch_check(batch, &table->shape, captioner);
  s->batch = *batch;
  s->scale = 1.0f / temperature;
  s->dropout = dropout ? *dropout : (Dropout){0};
  CHECK(s->keep || (s->dropout.rate <= 0.0f && s->dropout.image_rate <= 0.0f));
  arena_release(&captioner->arena, 0);
  index_take(s, &captioner->arena, batch->images, batch->tokens);
  index_make(s, &table->shape);
  state_take(s, &table->shape, &captioner->arena);
  memory_forward(s, table, weights); /* first: without backward the rest reuses the encoder's scratch */
  embedding_forward(s, table, weights);
  const StackBlocks blocks = blocks_of(s);
  s->output = stack_forward(&s->decoder, weights, s->x, &blocks, s->memory, &s->dropout);
  vocabulary_forward(s, table, weights, outputs);
  s->ready = s->keep;
}

void captioner_backward(Captioner *captioner, const float *weights, const CaptionBatch *batch,
                        const TokenGradients *outputs, float *gradients) {
  const ParamTable *table = captioner->table;
  CaptionerState *s = captioner->state;
  CHECK(s->ready && batch->tokens == s->batch.tokens && batch->input == s->batch.input);
  s->ready = false;
  vocabulary_backward(s, table, weights, outputs, gradients);
  stack_backward(&s->decoder, weights, s->output, s->d_memory, gradients);
  embedding_backward(s, table, weights, s->output, gradients);
  memory_backward(s, table, weights, gradients);
}

void captioner_attention(const Captioner *captioner, float *attention) {
  const CaptionerState *s = captioner->state;
  const Stack *stack = &s->decoder;
  CHECK(s->ready && stack->layers);
  const Prefixes *p = &s->prefixes;
  int heads = stack->shape->heads, cells = stack->shape->cells;
  const float *all = stack->layer[stack->layers - 1].cross_probs;
  memset(attention, 0, (size_t)s->batch.tokens * (size_t)cells * sizeof *attention);
  for (int i = 0; i < s->batch.images; i++) {
    int first = p->start[i], queries = p->start[i + 1] - first, keys = s->cell_start[i + 1] - s->cell_start[i];
    const float *probs = all + attention_probs(first, heads, cells); /* [heads, queries, keys] */
    for (int row = 0; row < heads * queries; row++)
      for (int t = p->first[first + row % queries]; t >= 0; t = p->next[t])
        for (int k = 0; k < keys; k++)
          attention[(size_t)t * (size_t)cells + (size_t)k] +=
              probs[(size_t)row * (size_t)keys + (size_t)k] / (float)heads;
  }
}

int captioner_rows(const Captioner *captioner) { return captioner->state->prefixes.rows; }

double captioner_flops(const ModelShape *shape, int images, int captions, int tokens, int rows) {
  double d = shape->width, ff = shape->feed_forward, t = tokens, r = rows, cells = (double)images * shape->cells;
  double length = captions ? t / captions : 0.0;
  double encoder = cells * (4 * d * d + 2 * d * ff + 2.0 * shape->cells * d);
  double decoder = cells * 2 * d * d + r * (6 * d * d + 2 * d * ff + 2.0 * shape->cells * d) + t * (length + 1) * d;
  return 2 * (cells * shape->features * d + shape->encoder_layers * encoder + shape->decoder_layers * decoder +
              r * d * shape->vocabulary);
}
