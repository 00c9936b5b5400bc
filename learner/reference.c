/* Reference: refresh and mix. */
#include "learner/reference.h"

#include <string.h>

#include "common/base/log.h"
#include "learner/settings.h"

void reference_refresh(Trainer *t) {
  int every = t->config->reference.refresh_every;
  if (!every || t->progress.iteration % every) return;
  float mix = (float)t->config->reference.mix;
  t->progress.reference_version++;
  bool sent = settings_reference(t->config);
  if (mix == 1.0f) { /* the actors hold this policy already */
    memcpy(t->reference, t->updater.weights, t->table.total * sizeof(float));
    if (sent) hub_adopt_reference(t->hub, t->progress.iteration, t->progress.reference_version);
  } else {
    for (size_t i = 0; i < t->table.total; i++) t->reference[i] += mix * (t->updater.weights[i] - t->reference[i]);
    if (sent) hub_publish(t->hub, SNAPSHOT_REFERENCE, t->progress.reference_version, t->reference);
  }
  log_info("iteration %lld  reference refreshed (mix %g)", (long long)t->progress.iteration, (double)mix);
}
