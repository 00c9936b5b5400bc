/* Optimizer: Adam and AdamW as torch.optim computes them, with clipping by the global norm as
 * torch.nn.utils.clip_grad_norm_ does. Works on fixed blocks of the parameter table that an OpenMP team shares, so
 * bits do not depend on the number of threads. (Kingma and Ba, arXiv 1412.6980; Loshchilov and Hutter, 1711.05101.)
 * */
#ifndef TROUPE_LEARNER_OPTIMIZER_H
#define TROUPE_LEARNER_OPTIMIZER_H

#include <stdint.h>

#include "common/base/status.h"
#include "common/model/params.h"

typedef enum OptimizerKind {
  OPTIMIZER_ADAM,  /* weight decay is added to the gradient of every parameter (L2) */
  OPTIMIZER_ADAMW, /* weight decay shrinks the weights themselves; matrices only (Param.decayed) */
  OPTIMIZER_KINDS
} OptimizerKind;
extern const char *const optimizer_names[OPTIMIZER_KINDS + 1]; /* NULL ends it */

typedef struct OptimizerOptions {
  OptimizerKind kind;
  double learning_rate; /* the peak; each step multiplies it by the schedule's value */
  double beta1, beta2, eps, weight_decay;
  double max_grad_norm; /* 0 = no clipping */
  double head_scale;    /* times the learning rate: of the vocabulary head (output weight, tied or not, and bias) */
} OptimizerOptions;
#define OPTIMIZER_DEFAULTS                    \
  ((OptimizerOptions){.kind = OPTIMIZER_ADAM, \
                      .learning_rate = 1e-5,  \
                      .beta1 = 0.9,           \
                      .beta2 = 0.999,         \
                      .eps = 1e-8,            \
                      .max_grad_norm = 1.0,   \
                      .head_scale = 1.0})

typedef struct Optimizer {
  const ParamTable *table; /* borrowed */
  OptimizerOptions options;
  int64_t step;  /* updates made so far */
  size_t *start; /* [parts + 1] floats: who updates which segment of a block; owned */
  int part;
  float *moment1, *moment2;      /* of its segment, owned: a checkpoint saves them and, with `step`, sets them */
  struct OptimizerBlock *blocks; /* of its segment, owned */
  double *partial;               /* [block_count] sums of squares, owned */
  int block_count;
} Optimizer;

void optimizer_init(Optimizer *optimizer, const ParamTable *table, const OptimizerOptions *options);
/* Of `parts` optimizers of equal segments, as far as fixed blocks allow, the one of segment `part`. */
void optimizer_init_part(Optimizer *optimizer, const ParamTable *table, const OptimizerOptions *options, int part,
                         int parts);
size_t optimizer_floats(const Optimizer *optimizer); /* in its segment */
void optimizer_free(Optimizer *optimizer);           /* idempotent */

/* Sum of squares of its segment of a gradient block: the root of the parts' sum is clip_grad_norm_'s total norm. Uses the
 * optimizer's scratch. */
double optimizer_squares(Optimizer *optimizer, const float *gradients);

/* One update of its segment of `weights` with learning rate options.learning_rate * multiplier and the whole gradient's
 * norm. Its segment of the gradients is consumed: zero afterwards, ready for the next step. FAILED when the norm is not
 * finite: then weights, moments, step and gradients stay as they were. */
Status optimizer_apply(Optimizer *optimizer, float *weights, float *gradients, double multiplier, double grad_norm);

/* Both, of an optimizer of the whole; `*grad_norm` is the norm before clipping. */
Status optimizer_step(Optimizer *optimizer, float *weights, float *gradients, double multiplier, double *grad_norm);

#endif
