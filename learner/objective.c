/* The objective, one caption at a time, all sums in double and in order. */
#include "learner/objective.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

const char *const objective_form_names[OBJECTIVE_FORMS + 1] = {"clipped", "reinforce", NULL};
const char *const objective_level_names[OBJECTIVE_LEVELS + 1] = {"token", "sequence", NULL};
const char *const aggregation_names[AGGREGATIONS + 1] = {"token_mean", "sequence_mean", "constant", NULL};
const char *const kl_names[KL_KINDS + 1] = {"k1", "k2", "k3", NULL};

/* A term of the objective and its derivative with respect to log pi. */
typedef struct Term {
  double value, slope;
} Term;

static double exp_clamped(double x) { return exp(fmin(fmax(x, -OBJECTIVE_LOG_RATIO_MAX), OBJECTIVE_LOG_RATIO_MAX)); }

/* --- KL estimators of d = log pi - log ref ------------------------------------------------------------------------ */
static Term kl_k1(double d) { return (Term){d, 1}; }
static Term kl_k2(double d) { return (Term){0.5 * d * d, d}; }
static Term kl_k3(double d) {
  double ratio = exp_clamped(-d);
  return (Term){ratio + d - 1, 1 - ratio};
}
static Term (*const kl_rows[KL_KINDS])(double) = {kl_k1, kl_k2, kl_k3};

/* --- weight of each token of a caption in the loss ---------------------------------------------------------------- */
static double weight_token_mean(const ObjectiveOptions *options, const ObjectiveScale *scale, int length) {
  (void)options, (void)length;
  return 1 / scale->tokens;
}
static double weight_sequence_mean(const ObjectiveOptions *options, const ObjectiveScale *scale, int length) {
  (void)options;
  return 1 / (scale->captions * length);
}
static double weight_constant(const ObjectiveOptions *options, const ObjectiveScale *scale, int length) {
  (void)length;
  return 1 / (scale->captions * options->max_length);
}
typedef double (*WeightRow)(const ObjectiveOptions *options, const ObjectiveScale *scale, int length);
static const WeightRow weight_rows[AGGREGATIONS] = {weight_token_mean, weight_sequence_mean, weight_constant};

/* --- the surrogate ------------------------------------------------------------------------------------------------ */
static double log_old(const ObjectiveInput *input, int t) {
  const float *old = input->log_prox ? input->log_prox : input->log_mu;
  return old ? (double)old[t] : (double)input->logp[t];
}

/* log u of token t, and log(old / mu). */
static double log_ratio(const ObjectiveInput *input, int t) { return (double)input->logp[t] - log_old(input, t); }
static double log_importance(const ObjectiveInput *input, int t) {
  return input->log_prox && input->log_mu ? (double)input->log_prox[t] - (double)input->log_mu[t] : 0;
}

static double caption_mean(double (*of)(const ObjectiveInput *, int), const ObjectiveInput *input, int begin, int end) {
  double sum = 0;
  for (int t = begin; t < end; t++) sum += of(input, t);
  return sum / (end - begin);
}

/* w min(u A, clip(u) A); counts what TRL's metrics count. At level sequence every token of a caption has the
 * caption's u and the mean of log-ratios has slope 1 / length in each of them, so the sum over the caption's equal
 * terms gives each token the slope that it would have alone. */
static Term surrogate(const ObjectiveOptions *options, double x, double importance, double advantage,
                      ObjectiveSums *sums) {
  double u = exp_clamped(x), low = 1 - options->eps_low, high = 1 + options->eps_high;
  double clipped = fmin(fmax(u, low), high);
  sums->ratio += u;
  sums->ratio_max = fmax(sums->ratio_max, u);
  sums->away += fabs(u - 1);
  sums->away_max = fmax(sums->away_max, fabs(u - 1));
  sums->clip_low += u < low && advantage < 0;
  sums->clip_high += u > high && advantage > 0;
  sums->clamped += fabs(x) > OBJECTIVE_LOG_RATIO_MAX;
  if (u * advantage <= clipped * advantage) return (Term){importance * u * advantage, importance * u * advantage};
  return (Term){importance * clipped * advantage, 0};
}

/* --- one caption -------------------------------------------------------------------------------------------------- */
static Status check_finite(const char *what, double value, int caption, int position) {
  if (isfinite(value)) return OK;
  return status_set(FAILED, "objective: caption %d, token %d: %s is %g; expected a finite number", caption, position,
                    what, value);
}

static Status caption_check(const ObjectiveInput *input, int caption, int begin, int end) {
  const struct {
    const char *name;
    const float *values;
  } columns[] = {
      {"log pi", input->logp},     {"log mu", input->log_mu},   {"log prox", input->log_prox},
      {"log ref", input->log_ref}, {"entropy", input->entropy},
  };
  TRY(check_finite("the advantage", input->advantage[caption], caption, 0));
  for (int t = begin; t < end; t++)
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++)
      if (columns[c].values) TRY(check_finite(columns[c].name, columns[c].values[t], caption, t - begin));
  return OK;
}

static void caption_evaluate(const ObjectiveOptions *options, const ObjectiveInput *input, int caption, double weight,
                             float *d_logp, float *d_entropy, ObjectiveSums *sums) {
  int begin = input->caption_start[caption], end = input->caption_start[caption + 1];
  double advantage = input->advantage[caption], x = 0, y = 0, loss = 0;
  bool sequence = options->level == LEVEL_SEQUENCE, reinforce = options->form == OBJECTIVE_REINFORCE;
  if (sequence) {
    x = caption_mean(log_ratio, input, begin, end);
    y = caption_mean(log_importance, input, begin, end);
  }
  for (int t = begin; t < end; t++) {
    Term policy = {advantage * input->logp[t], advantage}, kl = {0, 0};
    if (!reinforce) {
      double importance = fmin(options->importance_cap, exp_clamped(sequence ? y : log_importance(input, t)));
      if (!input->log_prox) importance = 1;
      policy = surrogate(options, sequence ? x : log_ratio(input, t), importance, advantage, sums);
    }
    if (input->log_ref) {
      kl = kl_rows[options->kl]((double)input->logp[t] - (double)input->log_ref[t]);
      sums->kl += kl.value;
    }
    double beta = reinforce ? 0 : options->beta, entropy = input->entropy ? (double)input->entropy[t] : 0;
    loss -= policy.value - beta * kl.value + options->entropy_bonus * entropy;
    d_logp[t] = (float)(-weight * (policy.slope - beta * kl.slope));
    if (d_entropy) d_entropy[t] = (float)(-weight * options->entropy_bonus);
    sums->entropy += entropy;
  }
  if (reinforce) sums->ratio += end - begin, sums->ratio_max = fmax(sums->ratio_max, 1);
  sums->loss += weight * loss;
}

Status objective_evaluate(const ObjectiveOptions *options, const ObjectiveInput *input, const ObjectiveScale *scale,
                          float *d_logp, float *d_entropy, ObjectiveSums *sums) {
  CHECK(options->form < OBJECTIVE_FORMS && options->level < OBJECTIVE_LEVELS);
  CHECK(options->aggregation < AGGREGATIONS && options->kl < KL_KINDS);
  CHECK(input->log_ref || options->beta == 0 || options->form == OBJECTIVE_REINFORCE);
  CHECK(input->entropy || options->entropy_bonus == 0);
  CHECK(!input->log_prox || input->log_mu);
  CHECK(options->aggregation != AGGREGATION_CONSTANT || options->max_length > 0);
  for (int c = 0; c < input->captions; c++) {
    int begin = input->caption_start[c], end = input->caption_start[c + 1];
    sums->captions += 1;
    if (begin == end) continue;
    TRY(caption_check(input, c, begin, end));
    double weight = weight_rows[options->aggregation](options, scale, end - begin);
    caption_evaluate(options, input, c, weight, d_logp, d_entropy, sums);
    sums->tokens += end - begin;
  }
  return OK;
}

void objective_sums_add(ObjectiveSums *sums, const ObjectiveSums *more) {
  sums->loss += more->loss;
  sums->xe += more->xe;
  sums->steps += more->steps;
  sums->kl += more->kl;
  sums->entropy += more->entropy;
  sums->ratio += more->ratio;
  sums->ratio_max = fmax(sums->ratio_max, more->ratio_max);
  sums->away += more->away;
  sums->away_max = fmax(sums->away_max, more->away_max);
  sums->clip_low += more->clip_low;
  sums->clip_high += more->clip_high;
  sums->clamped += more->clamped;
  sums->tokens += more->tokens;
  sums->captions += more->captions;
}

ObjectiveMeans objective_means(const ObjectiveSums *sums) {
  double tokens = sums->tokens > 0 ? sums->tokens : 1, steps = sums->steps > 0 ? sums->steps : 1;
  return (ObjectiveMeans){
      .loss = sums->loss / steps,
      .xe = sums->xe / steps,
      .kl = sums->kl / tokens,
      .entropy = sums->entropy / tokens,
      .ratio_mean = sums->ratio / tokens,
      .ratio_max = sums->ratio_max,
      .away_mean = sums->away / tokens,
      .away_max = sums->away_max,
      .clip_low = sums->clip_low / tokens,
      .clip_high = sums->clip_high / tokens,
      .clamped = sums->clamped / tokens,
  };
}
