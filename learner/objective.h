/* Objective: the policy loss of sampled captions and its gradient with respect to log pi of each token.
 *
 * Maximised per token (PPO, arXiv 1707.06347; GRPO, 2402.03300; asymmetric clipping, DAPO, 2503.14476):
 *     J_t = w min(u A, clip(u, 1 - eps_low, 1 + eps_high) A) - beta KL_t + entropy_bonus H_t
 *     u = pi / old,  w = min(importance_cap, old / mu)
 * where old is log_prox when it is given (decoupled off-policy correction), else mu, so that w = 1.
 * level sequence (GSPO, 2507.18071): u and w are the whole caption's, exp(mean over its tokens of the log-ratio).
 * form reinforce (SCST): J_t = A log pi + entropy_bonus H_t: no ratio, no clipping, no KL term.
 * Log-ratios are clamped to +-OBJECTIVE_LOG_RATIO_MAX where they are exponentiated; the derivative of the clamped exp
 * is its value, so that the gradient stays finite and still points back.
 *
 * The loss is -sum over tokens of weight_c J_t: weight_c = 1 / tokens (token_mean), 1 / (captions x length of c)
 * (sequence_mean; GRPO), 1 / (captions x max_length) (constant; Dr. GRPO, 2503.20783). */
#ifndef TROUPE_LEARNER_OBJECTIVE_H
#define TROUPE_LEARNER_OBJECTIVE_H

#include <stdint.h>

#include "common/base/status.h"

typedef enum ObjectiveForm { OBJECTIVE_CLIPPED, OBJECTIVE_REINFORCE, OBJECTIVE_FORMS } ObjectiveForm;
typedef enum ObjectiveLevel { LEVEL_TOKEN, LEVEL_SEQUENCE, OBJECTIVE_LEVELS } ObjectiveLevel;
typedef enum Aggregation {
  AGGREGATION_TOKEN_MEAN,
  AGGREGATION_SEQUENCE_MEAN,
  AGGREGATION_CONSTANT,
  AGGREGATIONS
} Aggregation;
typedef enum KlKind { KL_K1, KL_K2, KL_K3, KL_KINDS } KlKind; /* http://joschu.net/blog/kl-approx.html */
extern const char *const objective_form_names[OBJECTIVE_FORMS + 1];
extern const char *const objective_level_names[OBJECTIVE_LEVELS + 1];
extern const char *const aggregation_names[AGGREGATIONS + 1];
extern const char *const kl_names[KL_KINDS + 1]; /* each NULL-terminated */

#define OBJECTIVE_LOG_RATIO_MAX 20.0

typedef struct ObjectiveOptions {
  ObjectiveForm form;
  ObjectiveLevel level;
  Aggregation aggregation;
  KlKind kl;
  double beta;              /* 0 = no KL term; the metric is still taken when log_ref is given */
  double eps_low, eps_high; /* >= 0 */
  double importance_cap;    /* C of the decoupled form */
  double entropy_bonus;     /* 0 = none */
  int max_length;           /* tokens, the end token counts; for aggregation constant */
} ObjectiveOptions;
#define OBJECTIVE_DEFAULTS                                   \
  ((ObjectiveOptions){.form = OBJECTIVE_CLIPPED,             \
                      .level = LEVEL_TOKEN,                  \
                      .aggregation = AGGREGATION_TOKEN_MEAN, \
                      .kl = KL_K3,                           \
                      .beta = 0.04,                          \
                      .eps_low = 0.2,                        \
                      .eps_high = 0.2,                       \
                      .importance_cap = 2.0,                 \
                      .max_length = 20})

/* T tokens of C captions, packed. All borrowed. */
typedef struct ObjectiveInput {
  int captions;                 /* C */
  const int32_t *caption_start; /* [C + 1] offsets into the token arrays; caption_start[0] may be > 0 */
  const float *logp;            /* [T] log pi */
  const float *log_mu;          /* [T] of the behaviour policy; NULL = logp itself (ratio 1) */
  const float *log_prox;        /* [T] of the policy when the update began; NULL = not decoupled */
  const float *log_ref;         /* [T] of the reference; NULL only when beta is 0 */
  const float *entropy;         /* [T]; may be NULL when entropy_bonus is 0 */
  const double *advantage;      /* [C] */
} ObjectiveInput;

/* What the means divide by: counts of the whole minibatch, also when it is worked off in micro-batches. */
typedef struct ObjectiveScale {
  double tokens, captions;
} ObjectiveScale;

/* Sums over tokens (unless said otherwise), so that they add over micro-batches, minibatches and ranks. */
typedef struct ObjectiveSums {
  double loss;  /* sum of minibatch losses (each already a mean) */
  double steps; /* minibatches whose loss is in `loss`: counted by who takes the step */
  double xe;    /* sum of minibatch means of a cross-entropy term, unweighted: added by who has one */
  double kl;    /* the selected estimator */
  double entropy;
  double ratio;     /* u, of the token's caption at level sequence */
  double ratio_max; /* a maximum */
  double away;      /* |u - 1| */
  double away_max;
  double clip_low;  /* tokens with u < 1 - eps_low and A < 0: TRL's definition */
  double clip_high; /* tokens with u > 1 + eps_high and A > 0 */
  double clamped;   /* tokens whose log-ratio left +-OBJECTIVE_LOG_RATIO_MAX */
  double tokens, captions;
} ObjectiveSums;

/* Means under the names of TRL's GRPO trainer (kl, entropy, clip_ratio/low_mean, clip_ratio/high_mean). */
typedef struct ObjectiveMeans {
  double loss, xe, kl, entropy, ratio_mean, ratio_max, away_mean, away_max, clip_low, clip_high, clamped;
} ObjectiveMeans;

/* Adds this input's loss and metrics to `sums`; writes dLoss/dlogp to d_logp [T] and, unless it is NULL,
 * dLoss/dentropy to d_entropy [T], both at the tokens' own offsets. FAILED when a value that it needs is not finite:
 * names the first caption and token; then sums, d_logp and d_entropy are unspecified. */
Status objective_evaluate(const ObjectiveOptions *options, const ObjectiveInput *input, const ObjectiveScale *scale,
                          float *d_logp, float *d_entropy, ObjectiveSums *sums);

void objective_sums_add(ObjectiveSums *sums, const ObjectiveSums *more);
ObjectiveMeans objective_means(const ObjectiveSums *sums);

#endif
