/* Reference: refresh and mix. */
#include "learner/reference.h"

#include "common/base/log.h"
#include "common/model/policy.h"

static Shared *mixed(size_t floats, const float *from, const float *to, float mix) {
  Shared *block = shared_new(floats * sizeof(float));
  float *between = shared_floats(block);
  for (size_t i = 0; i < floats; i++) between[i] = from[i] + mix * (to[i] - from[i]);
  return block;
}

bool reference_moves(const Config *config, Progress *progress, const Updater *updater, Shared **reference) {
  int every = config->reference.refresh_every;
  if (!every || progress->iteration % every) return false;
  float mix = (float)config->reference.mix;
  progress->reference_version++;
  shared_replace(reference, mix == 1.0f
                                ? shared_hold(updater->block)
                                : mixed(updater->table->total, shared_floats(*reference), updater->weights, mix));
  return true;
}

void reference_refresh(Trainer *t) {
  if (!reference_moves(t->config, &t->progress, &t->updater, &t->reference)) return;
  double mix = t->config->reference.mix;
  bool sent = policy_reference(t->config);
  if (sent && mix == 1)
    hub_adopt_reference(t->hub, t->progress.iteration, t->progress.reference_version); /* they have it */
  else if (sent) hub_publish(t->hub, SNAPSHOT_REFERENCE, t->progress.reference_version, t->reference);
  log_info("iteration %lld  reference refreshed (mix %g)", (long long)t->progress.iteration, mix);
}
