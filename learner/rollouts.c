/* Rollouts: opened ahead, collected in order. */
#include "learner/rollouts.h"

#include <math.h>
#include <stdlib.h>

#include "common/model/policy.h"
#include "learner/collect.h"

void rollouts_init(Rollouts *r, const Config *config, const int32_t *split, int count) {
  int images = config->policy.images_per_iteration, chunk = config->actors.chunk_images;
  *r = (Rollouts){.config = config,
                  .lag = policy_lag(config),
                  .exact = !config->actors.max_lag,
                  .chunks = (images + chunk - 1) / chunk};
  images_init(&r->order, config->run.seed, split, count, images);
  r->iterations = config->policy.iterations;
  if (!r->iterations) r->iterations = llround(config->policy.epochs * images_iterations_per_epoch(&r->order));
  r->result = xcalloc((size_t)r->chunks * (size_t)(1 + config->policy.refills), sizeof *r->result);
  r->fresh_count = count - images;
  r->fresh = xcalloc((size_t)r->fresh_count + 1, sizeof *r->fresh);
}

void rollouts_free(Rollouts *r) {
  images_free(&r->order);
  free(r->result);
  free(r->fresh);
  *r = (Rollouts){0};
}

/* The reference that the actors score an iteration with, given the boundary of its policy version. It is the one in use
 * until the update, since nothing is opened before that boundary. */
static int64_t reference_of(const Rollouts *r, int64_t iteration, int64_t version, int64_t reference_version) {
  int every = r->config->reference.refresh_every;
  if (!policy_reference(r->config)) return VERSION_NONE;
  return every && iteration / every != version / every ? VERSION_NONE : reference_version;
}

void rollouts_open(Rollouts *r, Ledger *ledger, int64_t iteration, int64_t oldest, int64_t reference_version) {
  int64_t reference = policy_reference(r->config) ? reference_version : VERSION_NONE;
  if (!r->exact) ledger_renew(ledger, iteration - r->lag, iteration, reference);
  if (r->opened < iteration) r->opened = iteration;
  for (; r->opened <= iteration + r->lag && r->opened < r->iterations; r->opened++) {
    int64_t k = r->opened, version = k - r->lag > oldest ? k - r->lag : oldest;
    ledger_open(ledger, WORK_ROLLOUT, k, r->exact ? version : VERSION_NONE,
                r->exact ? reference_of(r, k, version, reference_version) : VERSION_NONE,
                images_iteration(&r->order, k), r->config->policy.images_per_iteration, r->config->actors.chunk_images);
  }
}

/* The last iteration whose chunks an update of `iteration` may take. */
static int64_t last(const Rollouts *r, int64_t iteration) { return r->exact ? iteration : iteration + r->lag; }

double rollouts_ready(const Rollouts *r, const Ledger *ledger, int64_t iteration) {
  int ready = ledger_ready(ledger, WORK_ROLLOUT, last(r, iteration));
  return ready < r->chunks ? (double)ready / r->chunks : 1;
}

static Status take(Rollouts *r, Hub *hub, Ledger *ledger, int64_t iteration, int chunks, const volatile int *stop,
                   bool *complete) {
  TRY(collect(hub, ledger, WORK_ROLLOUT, last(r, iteration), chunks, stop, complete));
  if (!*complete) return OK;
  ledger_take(ledger, WORK_ROLLOUT, last(r, iteration), chunks, r->result + r->results);
  r->results += chunks;
  return OK;
}

Status rollouts_collect(Rollouts *r, Hub *hub, Ledger *ledger, int64_t iteration, const volatile int *stop,
                        bool *complete) {
  r->results = r->used = 0;
  return take(r, hub, ledger, iteration, r->chunks, stop, complete);
}

Status rollouts_refill(Rollouts *r, Hub *hub, Ledger *ledger, int64_t iteration, int images, const volatile int *stop,
                       int *added, bool *complete) {
  int left = r->fresh_count - r->used, chunk = r->config->actors.chunk_images;
  *added = images < left ? images : left;
  *complete = true;
  if (!*added) return OK;
  if (!r->used) images_fresh(&r->order, iteration, r->fresh);
  ledger_extend(ledger, WORK_ROLLOUT, iteration, r->fresh + r->used, *added, chunk);
  r->used += *added;
  int before = r->results;
  TRY(take(r, hub, ledger, iteration, (*added + chunk - 1) / chunk, stop, complete));
  for (int c = 0; c < before; c++) r->result[c] = ledger_result(ledger, WORK_ROLLOUT, iteration, c);
  return OK;
}
