/* Reference: refresh and mix. */
#include "learner/reference.h"

#include <string.h>

#include "common/base/log.h"
#include "learner/settings.h"

bool reference_moves(const Config *config, Progress *progress, const ParamTable *table, const float *weights,
                     float *reference) {
  int every = config->reference.refresh_every;
  if (!every || progress->iteration % every) return false;
  float mix = (float)config->reference.mix;
  progress->reference_version++;
  if (mix == 1.0f) memcpy(reference, weights, table->total * sizeof(float));
  for (size_t i = 0; mix != 1.0f && i < table->total; i++) reference[i] += mix * (weights[i] - reference[i]);
  return true;
}

void reference_refresh(Trainer *t) {
  if (!reference_moves(t->config, &t->progress, &t->table, t->updater.weights, t->reference)) return;
  double mix = t->config->reference.mix;
  bool sent = settings_reference(t->config);
  if (sent && mix == 1)
    hub_adopt_reference(t->hub, t->progress.iteration, t->progress.reference_version); /* they have it */
  else if (sent) hub_publish(t->hub, SNAPSHOT_REFERENCE, t->progress.reference_version, t->reference);
  log_info("iteration %lld  reference refreshed (mix %g)", (long long)t->progress.iteration, mix);
}
