/* Boundary: what an iteration changes, and the policies before. */
#include "learner/boundary.h"

#include <stdlib.h>
#include <string.h>

void boundary_init(Boundary *b, const Updater *updater, int lag) {
  CHECK(lag >= 0 && lag <= CHECKPOINT_EARLIER_MAX);
  size_t moments = optimizer_floats(&updater->optimizer) + 1;
  *b = (Boundary){.lag = lag, .moment1 = xcalloc(moments, sizeof(float)), .moment2 = xcalloc(moments, sizeof(float))};
}

void boundary_free(Boundary *b) {
  for (int v = 0; v <= b->lag; v++) shared_drop(b->policy[v]);
  shared_drop(b->reference);
  free(b->moment1);
  free(b->moment2);
  *b = (Boundary){0};
}

static int place(const Boundary *b, int64_t version) { return (int)(version % (b->lag + 1)); }

Shared *boundary_policy(const Boundary *b, int64_t version) {
  CHECK(version >= b->oldest && version >= 0);
  return b->policy[place(b, version)];
}

void boundary_keep(Boundary *b, Updater *updater, Shared *reference, const Progress *progress) {
  size_t bytes = updater->table->total * sizeof(float), moments = optimizer_floats(&updater->optimizer) * sizeof(float);
  Shared **kept = &b->policy[place(b, progress->iteration)], *outdated = *kept;
  *kept = shared_hold(updater->block);
  update_take(updater, shared_own(outdated, bytes));
  memcpy(updater->weights, (*kept)->bytes, bytes);
  memcpy(b->moment1, updater->optimizer.moment1, moments);
  memcpy(b->moment2, updater->optimizer.moment2, moments);
  shared_replace(&b->reference, shared_hold(reference));
  b->step = updater->optimizer.step;
  b->progress = *progress;
  if (b->oldest < progress->iteration - b->lag) b->oldest = progress->iteration - b->lag;
}

void boundary_restore(const Boundary *b, Updater *updater, Shared **reference, Progress *progress) {
  size_t moments = optimizer_floats(&updater->optimizer) * sizeof(float);
  update_take(updater, shared_hold(boundary_policy(b, b->progress.iteration)));
  memcpy(updater->optimizer.moment1, b->moment1, moments);
  memcpy(updater->optimizer.moment2, b->moment2, moments);
  shared_replace(reference, shared_hold(b->reference));
  updater->optimizer.step = b->step;
  *progress = b->progress;
}

void boundary_load(Boundary *b, Checkpoint *checkpoint) {
  int count = checkpoint->earlier_count < b->lag ? checkpoint->earlier_count : b->lag;
  b->oldest = checkpoint->iteration - count;
  CHECK(b->oldest >= 0);
  for (int i = 0; i < count; i++) {
    shared_replace(&b->policy[place(b, checkpoint->iteration - 1 - i)], shared_of(checkpoint->earlier[i]));
    checkpoint->earlier[i] = NULL;
  }
}

void boundary_lend(const Boundary *b, Checkpoint *checkpoint) {
  checkpoint->earlier_count = 0;
  for (int64_t v = checkpoint->iteration - 1; v >= b->oldest && checkpoint->earlier_count < b->lag; v--)
    checkpoint->earlier[checkpoint->earlier_count++] = shared_floats(b->policy[place(b, v)]);
}
