/* Adam and AdamW over fixed blocks. */
#include "learner/optimizer.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 15, LANES = 16 }; /* floats a block; partial sums side by side */

typedef struct OptimizerBlock {
  size_t offset;
  int count;
  bool decayed, head;
} OptimizerBlock;

const char *const optimizer_names[OPTIMIZER_KINDS + 1] = {"adam", "adamw", NULL};

/* A segment begins with the first block that begins in it, were all of the same size. */
static void parts_cut(Optimizer *optimizer, const OptimizerBlock *block, int blocks, int parts) {
  size_t total = optimizer->table->total;
  int first = 0, mine = 0, end = 0;
  optimizer->start = xcalloc((size_t)parts + 1, sizeof *optimizer->start);
  for (int p = 0; p <= parts; p++) {
    while (first < blocks && block[first].offset < total / (size_t)parts * (size_t)p) first++;
    optimizer->start[p] = p == 0 ? 0 : p == parts || first == blocks ? total : block[first].offset;
    if (p == parts) first = blocks;
    if (p == optimizer->part) mine = first;
    if (p == optimizer->part + 1) end = first;
  }
  optimizer->block_count = end - mine;
  optimizer->blocks = xmalloc((size_t)(end - mine + 1) * sizeof *block);
  memcpy(optimizer->blocks, block + mine, (size_t)(end - mine) * sizeof *block);
}

void optimizer_init(Optimizer *optimizer, const ParamTable *table, const OptimizerOptions *options) {
  optimizer_init_part(optimizer, table, options, 0, 1);
}

void optimizer_init_part(Optimizer *optimizer, const ParamTable *table, const OptimizerOptions *options, int part,
                         int parts) {
  CHECK(options->kind < OPTIMIZER_KINDS && part >= 0 && part < parts);
  *optimizer = (Optimizer){.table = table, .options = *options, .part = part};
  int blocks = 0;
  for (int r = 0; r < table->count; r++) blocks += (int)((table->rows[r].count + BLOCK - 1) / BLOCK);
  OptimizerBlock *all = xmalloc((size_t)blocks * sizeof *all), *block = all;
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    bool head = row->offset == table->output.weight || row->offset == table->output.bias;
    for (size_t i = 0; i < row->count; i += BLOCK) {
      size_t left = row->count - i;
      *block++ = (OptimizerBlock){row->offset + i, (int)(left < BLOCK ? left : BLOCK), row->decayed, head};
    }
  }
  parts_cut(optimizer, all, blocks, parts);
  free(all);
  optimizer->partial = xmalloc((size_t)(optimizer->block_count + 1) * sizeof *optimizer->partial);
  optimizer->moment1 = xcalloc(optimizer_floats(optimizer) + 1, sizeof(float));
  optimizer->moment2 = xcalloc(optimizer_floats(optimizer) + 1, sizeof(float));
}

size_t optimizer_floats(const Optimizer *optimizer) {
  return optimizer->start[optimizer->part + 1] - optimizer->start[optimizer->part];
}

void optimizer_free(Optimizer *optimizer) {
  free(optimizer->moment1);
  free(optimizer->moment2);
  free(optimizer->start);
  free(optimizer->blocks);
  free(optimizer->partial);
  *optimizer = (Optimizer){0};
}

/* The order of the additions is written out, so that no vectoriser chooses it. */
static double sum_of_squares(const float *g, int count) {
  double lane[LANES] = {0}, sum = 0;
  int whole = count - count % LANES;
  for (int i = 0; i < whole; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += (double)g[i + j] * (double)g[i + j];
  for (int j = 0; j < LANES; j++) sum += lane[j];
  for (int i = whole; i < count; i++) sum += (double)g[i] * (double)g[i];
  return sum;
}

double optimizer_squares(Optimizer *optimizer, const float *gradients) {
  double *partial = optimizer->partial, sum = 0;
#pragma omp parallel for schedule(static)
  for (int b = 0; b < optimizer->block_count; b++)
    partial[b] = sum_of_squares(gradients + optimizer->blocks[b].offset, optimizer->blocks[b].count);
  for (int b = 0; b < optimizer->block_count; b++) sum += partial[b];
  return sum;
}

/* The scalars of one step, in float as torch's kernels see them. */
typedef struct StepScalars {
  float clip;   /* on the gradient */
  float decay;  /* added to the gradient, times the weight (Adam) */
  float shrink; /* of the weight, for decayed blocks (AdamW); 1 = none */
  float beta2;
  float rate1, rate2; /* 1 - beta */
  float step_size;    /* learning rate / bias correction 1 */
  float root2;        /* 1 / sqrt(bias correction 2) */
  float eps;
} StepScalars;

static StepScalars step_scalars(const OptimizerOptions *options, int64_t step, double learning_rate, double norm) {
  double clip = options->max_grad_norm > 0 ? options->max_grad_norm / (norm + 1e-6) : 1;
  bool decoupled = options->kind == OPTIMIZER_ADAMW;
  return (StepScalars){
      .clip = (float)fmin(clip, 1),
      .decay = decoupled ? 0 : (float)options->weight_decay,
      .shrink = decoupled ? (float)(1 - learning_rate * options->weight_decay) : 1,
      .beta2 = (float)options->beta2,
      .rate1 = (float)(1 - options->beta1),
      .rate2 = (float)(1 - options->beta2),
      .step_size = (float)(learning_rate / (1 - pow(options->beta1, (double)step))),
      .root2 = (float)(1 / sqrt(1 - pow(options->beta2, (double)step))),
      .eps = (float)options->eps,
  };
}

static void block_step(const StepScalars *s, int count, float shrink, float *restrict weights,
                       float *restrict gradients, float *restrict moment1, float *restrict moment2) {
#pragma omp simd
  for (int i = 0; i < count; i++) {
    float w = weights[i] * shrink;
    float g = gradients[i] * s->clip + s->decay * weights[i];
    float m = moment1[i] + s->rate1 * (g - moment1[i]);
    float v = s->beta2 * moment2[i] + s->rate2 * g * g;
    moment1[i] = m;
    moment2[i] = v;
    weights[i] = w - s->step_size * (m / (sqrtf(v) * s->root2 + s->eps));
    gradients[i] = 0;
  }
}

Status optimizer_apply(Optimizer *optimizer, float *weights, float *gradients, double multiplier, double grad_norm) {
  if (!isfinite(grad_norm))
    return status_set(FAILED, "optimizer: the gradient's norm is %g; expected a finite number (nothing was updated)",
                      grad_norm);
  double learning_rate = optimizer->options.learning_rate * multiplier;
  const OptimizerOptions *options = &optimizer->options;
  StepScalars rest = step_scalars(options, ++optimizer->step, learning_rate, grad_norm);
  StepScalars head = step_scalars(options, optimizer->step, learning_rate * options->head_scale, grad_norm);
#pragma omp parallel for schedule(static)
  for (int b = 0; b < optimizer->block_count; b++) {
    const OptimizerBlock *block = &optimizer->blocks[b];
    size_t at = block->offset, own = at - optimizer->start[optimizer->part];
    const StepScalars *scalars = block->head ? &head : &rest;
    block_step(scalars, block->count, block->decayed ? scalars->shrink : 1, weights + at, gradients + at,
               optimizer->moment1 + own, optimizer->moment2 + own);
  }
  return OK;
}

Status optimizer_step(Optimizer *optimizer, float *weights, float *gradients, double multiplier, double *grad_norm) {
  *grad_norm = sqrt(optimizer_squares(optimizer, gradients));
  return optimizer_apply(optimizer, weights, gradients, multiplier, *grad_norm);
}
