/* One optimiser step on a minibatch, in micro-batches. */
#include "learner/update.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/profile.h"
#include "common/model/cells.h"

void update_init(Updater *updater, const ParamTable *table, const OptimizerOptions *options, int max_images,
                 int max_captions, int max_tokens) {
  *updater = (Updater){.table = table, .gradients = params_block(table)};
  update_take(updater, shared_of(params_block(table)));
  optimizer_init(&updater->optimizer, table, options);
  captioner_init(&updater->captioner, table, max_images, max_captions, max_tokens, 1);
  float **columns[] = {&updater->logp,   &updater->entropy,   &updater->mean_logp,
                       &updater->d_logp, &updater->d_entropy, &updater->d_mean_logp};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    *columns[i] = xcalloc((size_t)max_tokens, sizeof(float));
  updater->image_start = xcalloc((size_t)max_images + 1, sizeof(int32_t));
  updater->caption_start = xcalloc((size_t)max_captions + 1, sizeof(int32_t));
}

void update_free(Updater *updater) {
  optimizer_free(&updater->optimizer);
  captioner_free(&updater->captioner);
  shared_drop(updater->block);
  void *owned[] = {updater->gradients,   updater->logp,        updater->entropy,
                   updater->mean_logp,   updater->d_logp,      updater->d_entropy,
                   updater->d_mean_logp, updater->image_start, updater->caption_start};
  for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
  *updater = (Updater){0};
}

void update_join(Updater *updater, Team *team) {
  OptimizerOptions options = updater->optimizer.options;
  optimizer_free(&updater->optimizer);
  optimizer_init_part(&updater->optimizer, updater->table, &options, team_rank(team), team_ranks(team));
  updater->team = team;
}

void update_take(Updater *updater, Shared *block) {
  if (!team_lost(updater->team)) shared_drop(updater->block); /* after a loss MPI may still write to it */
  updater->block = block;
  updater->weights = shared_floats(block);
}

/* --- the learner's ranks ------------------------------------------------------------------------------------------ */

/* Counts of a minibatch: of this rank's part, of the parts before it, or of all. */
typedef struct Counts {
  int captions, tokens, cells;
} Counts;

static Counts counts_of(Updater *updater, const CaptionBatch *batch, const Dropout *dropout) {
  Counts counts = {.captions = batch->captions, .tokens = batch->tokens};
  const ModelShape *shape = &updater->table->shape;
  if (!updater->team || !dropout || !batch->images) return counts; /* only masks are keyed by cells */
  cells_count(batch->images, shape->cells, shape->features, batch->features, updater->image_start);
  counts.cells = updater->image_start[batch->images];
  return counts;
}

/* What the whole minibatch has, and where this rank's part begins in it. `own` <- the masks' keys for this part, *dropout
 * points to it or is NULL. */
static Status whole_of(Updater *updater, const CaptionBatch *batch, const Dropout **dropout, Dropout *own,
                       Counts *whole) {
  Counts mine = counts_of(updater, batch, *dropout), before = {0};
  *whole = mine;
  if (!*dropout && !updater->team) return OK;
  if (updater->team) {
    Counts all[TEAM_RANKS_MAX];
    TRY(team_share(updater->team, &mine, sizeof mine, all));
    *whole = (Counts){0};
    for (int r = 0; r < team_ranks(updater->team); r++) {
      if (r == team_rank(updater->team)) before = *whole;
      whole->captions += all[r].captions, whole->tokens += all[r].tokens, whole->cells += all[r].cells;
    }
  }
  if (!*dropout) return OK;
  *own = **dropout;
  own->first_token = before.tokens, own->first_cell = before.cells;
  *dropout = own;
  return OK;
}

/* --- micro-batches ------------------------------------------------------------------------------------------------ */

/* A run of whole images of a minibatch, counted from 0 in `view`. */
typedef struct Micro {
  int index, image, caption, token; /* which one; where it begins in the minibatch */
  CaptionBatch view;
} Micro;

static int captions_before(const CaptionBatch *batch, int image) { return batch->image_start[image]; }
static int tokens_before(const CaptionBatch *batch, int image) {
  return batch->caption_start[batch->image_start[image]];
}

/* Moves on to the next micro-batch: as many images as fit. False at the end. Begin with a zeroed Micro, index -1. */
static bool micro_next(Updater *updater, const CaptionBatch *batch, Micro *micro) {
  const Captioner *limits = &updater->captioner;
  int first = micro->image + micro->view.images, last = first;
  if (first == batch->images) return false;
  int caption = captions_before(batch, first), token = tokens_before(batch, first);
  while (last < batch->images && last - first < limits->max_images &&
         captions_before(batch, last + 1) - caption <= limits->max_captions &&
         tokens_before(batch, last + 1) - token <= limits->max_tokens)
    last++;
  CHECK(last > first); /* an image with its captions must fit */
  int captions = captions_before(batch, last) - caption;
  for (int i = first; i <= last; i++) updater->image_start[i - first] = batch->image_start[i] - caption;
  for (int c = 0; c <= captions; c++) updater->caption_start[c] = batch->caption_start[caption + c] - token;
  const ModelShape *shape = &updater->table->shape;
  size_t image_floats = (size_t)shape->cells * (size_t)shape->features;
  *micro = (Micro){.index = micro->index + 1,
                   .image = first,
                   .caption = caption,
                   .token = token,
                   .view = {.images = last - first,
                            .captions = captions,
                            .tokens = tokens_before(batch, last) - token,
                            .features = batch->features + (size_t)first * image_floats,
                            .image_start = updater->image_start,
                            .caption_start = updater->caption_start,
                            .input = batch->input + token,
                            .target = batch->target + token}};
  return true;
}

/* Masks are keyed by the row within a forward pass, so each micro-batch gets a seed of its own. */
static const Dropout *micro_dropout(const Dropout *dropout, const Micro *micro, Dropout *own) {
  if (!dropout || (dropout->rate <= 0 && dropout->image_rate <= 0)) return NULL;
  *own = *dropout;
  own->seed += (uint64_t)micro->index * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
  return own;
}

static double view_flops(const Updater *updater, const CaptionBatch *view) {
  return captioner_flops(&updater->table->shape, view->images, view->captions, view->tokens,
                         captioner_rows(&updater->captioner));
}

static void forward(Updater *updater, const float *weights, const CaptionBatch *view, float temperature,
                    const Dropout *dropout, const TokenOutputs *outputs) {
  ProfileBegin began = profile_begin();
  captioner_forward(&updater->captioner, weights, view, temperature, dropout, outputs);
  profile_end(PROFILE_FORWARD, began, view_flops(updater, view));
}

static void backward(Updater *updater, const CaptionBatch *view, const TokenGradients *outputs) {
  ProfileBegin began = profile_begin();
  captioner_backward(&updater->captioner, updater->weights, view, outputs, updater->gradients);
  profile_end(PROFILE_BACKWARD, began, 2 * view_flops(updater, view));
}

/* Sums over tokens. */
typedef struct XeSums {
  double nll, uniform;
} XeSums;

/* What a rank found in its part of the minibatch. */
typedef struct Found {
  int failed;
  double squares; /* of its segment of the whole gradient */
  XeSums xe;
  ObjectiveSums objective;
} Found;

/* What all ranks found, in their order. */
static Status found_add_up(Updater *updater, Status status, Found *found) {
  Found all[TEAM_RANKS_MAX] = {0}, sum = {0};
  found->failed = status != OK;
  TRY(team_share(updater->team, found, sizeof *found, all));
  for (int r = 0; r < team_ranks(updater->team); r++) {
    sum.failed += all[r].failed;
    sum.squares += all[r].squares;
    sum.xe.nll += all[r].xe.nll, sum.xe.uniform += all[r].xe.uniform;
    objective_sums_add(&sum.objective, &all[r].objective);
  }
  *found = sum;
  return status == OK && sum.failed ? status_set(FAILED, "a loss or gradient is not finite on another learner rank")
                                    : status;
}

/* The step, or the gradients cleared when there is none. `found` comes in as this rank's and leaves as the whole's. */
static Status update_finish(Updater *updater, Status status, double multiplier, Found *found, double *grad_norm) {
  ProfileBegin began = profile_begin();
  Team *team = updater->team;
  Optimizer *optimizer = &updater->optimizer;
  float *gradients = updater->gradients;
  CHECK(updater->block->holders == 1); /* it is about to be written to */
  TRY(team_reduce_scatter(team, gradients, optimizer->start));
  if (team || status == OK) found->squares = optimizer_squares(optimizer, gradients);
  if (team) status = found_add_up(updater, status, found);
  if (team_lost(team)) return status;
  if (status == OK) *grad_norm = sqrt(found->squares);
  if (status == OK) status = optimizer_apply(optimizer, updater->weights, gradients, multiplier, *grad_norm);
  if (status == OK) status = team_all_gather(team, updater->weights, optimizer->start);
  if (status != OK || team) memset(gradients, 0, updater->table->total * sizeof(float));
  profile_end(PROFILE_OPTIMIZER, began, 0);
  return status;
}

/* --- stage 1 ------------------------------------------------------------------------------------------------------ */

/* Adds `weight` times the gradient of the mean (smoothed) cross-entropy over the whole minibatch's `tokens`. */
static XeSums xe_accumulate(Updater *updater, const CaptionBatch *batch, int tokens, double label_smoothing,
                            double weight, const Dropout *dropout) {
  bool smooth = label_smoothing > 0;
  XeSums sums = {0};
  float d_logp = (float)(-weight * (1 - label_smoothing) / tokens);
  float d_mean = (float)(-weight * label_smoothing / tokens);
  TokenOutputs outputs = {.logp = updater->logp, .mean_logp = smooth ? updater->mean_logp : NULL};
  TokenGradients gradients = {.logp = updater->d_logp, .mean_logp = smooth ? updater->d_mean_logp : NULL};
  for (int t = 0; t < updater->captioner.max_tokens; t++) updater->d_logp[t] = d_logp, updater->d_mean_logp[t] = d_mean;
  for (Micro micro = {.index = -1}; micro_next(updater, batch, &micro);) {
    Dropout own;
    const Dropout *mask = micro_dropout(dropout, &micro, &own);
    forward(updater, updater->weights, &micro.view, 1, mask, &outputs);
    for (int t = 0; t < micro.view.tokens; t++) {
      sums.nll -= (double)updater->logp[t];
      if (smooth) sums.uniform -= (double)updater->mean_logp[t];
    }
    backward(updater, &micro.view, &gradients);
  }
  return sums;
}

static Status xe_check(double loss) {
  return isfinite(loss) ? OK : status_set(FAILED, "cross-entropy: the loss is %g; expected a finite number", loss);
}

Status update_xe(Updater *updater, const CaptionBatch *batch, double label_smoothing, const Dropout *dropout,
                 double multiplier, XeReport *report) {
  Counts whole;
  Dropout own;
  TRY(whole_of(updater, batch, &dropout, &own, &whole));
  CHECK(whole.tokens > 0);
  Found found = {.xe = xe_accumulate(updater, batch, whole.tokens, label_smoothing, 1, dropout)};
  Status status = xe_check(found.xe.nll + found.xe.uniform);
  *report = (XeReport){.grad_norm = NAN, .tokens = whole.tokens};
  status = update_finish(updater, status, multiplier, &found, &report->grad_norm);
  report->nll = found.xe.nll / whole.tokens;
  report->loss = ((1 - label_smoothing) * found.xe.nll + label_smoothing * found.xe.uniform) / whole.tokens;
  return status;
}

/* --- stage 2 ------------------------------------------------------------------------------------------------------ */

/* Its masks are others than those of the sampled captions. */
static Status truth_add_term(Updater *updater, const RolloutTerms *terms, const Dropout *dropout, Counts whole,
                             ObjectiveSums *sums) {
  Dropout own = {0};
  if (dropout) own = *dropout;
  own.seed ^= 0x5851f42d4c957f2du;
  double xe =
      xe_accumulate(updater, terms->truth, whole.tokens, 0, terms->xe, dropout ? &own : NULL).nll / whole.tokens;
  sums->xe += xe;
  sums->loss += terms->xe * xe;
  return xe_check(xe);
}

static const float *shifted(const float *column, int by) { return column ? column + by : NULL; }

Status update_policy(Updater *updater, const CaptionBatch *batch, const RolloutTerms *terms,
                     const ObjectiveOptions *options, float temperature, const Dropout *dropout, double multiplier,
                     ObjectiveSums *sums, double *grad_norm) {
  Counts whole, truth = {0};
  Dropout part, truth_part;
  const Dropout *truth_dropout = dropout;
  *grad_norm = NAN;
  TRY(whole_of(updater, batch, &dropout, &part, &whole));
  if (terms->xe != 0) TRY(whole_of(updater, terms->truth, &truth_dropout, &truth_part, &truth));
  ObjectiveScale scale = {.tokens = whole.tokens, .captions = whole.captions};
  Found found = {0};
  bool bonus = options->entropy_bonus != 0;
  TokenOutputs outputs = {.logp = updater->logp, .entropy = updater->entropy};
  TokenGradients gradients = {.logp = updater->d_logp, .entropy = bonus ? updater->d_entropy : NULL};
  Status status = OK;
  for (Micro micro = {.index = -1}; status == OK && micro_next(updater, batch, &micro);) {
    Dropout own;
    const Dropout *mask = micro_dropout(dropout, &micro, &own);
    forward(updater, updater->weights, &micro.view, temperature, mask, &outputs);
    ObjectiveInput input = {.captions = micro.view.captions,
                            .caption_start = micro.view.caption_start,
                            .logp = updater->logp,
                            .log_mu = shifted(terms->log_mu, micro.token),
                            .log_prox = shifted(terms->log_prox, micro.token),
                            .log_ref = shifted(terms->log_ref, micro.token),
                            .entropy = updater->entropy,
                            .advantage = terms->advantage + micro.caption};
    status = objective_evaluate(options, &input, &scale, updater->d_logp, updater->d_entropy, &found.objective);
    if (status == OK) backward(updater, &micro.view, &gradients);
    else status_prefix(status, "captions from %d on", micro.caption);
  }
  if (status == OK && truth.tokens) status = truth_add_term(updater, terms, truth_dropout, truth, &found.objective);
  status = update_finish(updater, status, multiplier, &found, grad_norm);
  found.objective.steps = 1;
  if (status == OK) objective_sums_add(sums, &found.objective);
  return status;
}

void update_logp(Updater *updater, const float *weights, const CaptionBatch *batch, float temperature, float *logp) {
  for (Micro micro = {.index = -1}; micro_next(updater, batch, &micro);) {
    TokenOutputs outputs = {.logp = logp + micro.token};
    forward(updater, weights, &micro.view, temperature, NULL, &outputs);
  }
}
