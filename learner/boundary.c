/* Boundary: copies of what an iteration changes, and the policies before. */
#include "learner/boundary.h"

#include <stdlib.h>
#include <string.h>

void boundary_init(Boundary *b, const Updater *updater, int lag) {
  CHECK(lag >= 0 && lag <= CHECKPOINT_EARLIER_MAX);
  const ParamTable *table = updater->table;
  size_t moments = optimizer_floats(&updater->optimizer) + 1;
  *b = (Boundary){.lag = lag,
                  .moment1 = xcalloc(moments, sizeof(float)),
                  .moment2 = xcalloc(moments, sizeof(float)),
                  .reference = params_block(table)};
  for (int v = 0; v <= lag; v++) b->policy[v] = params_block(table);
}

void boundary_free(Boundary *b) {
  for (int v = 0; v <= b->lag; v++) free(b->policy[v]);
  free(b->moment1);
  free(b->moment2);
  free(b->reference);
  *b = (Boundary){0};
}

static float *held(const Boundary *b, int64_t version) { return b->policy[version % (b->lag + 1)]; }

const float *boundary_policy(const Boundary *b, int64_t version) {
  CHECK(version >= b->oldest && version >= 0);
  return held(b, version);
}

void boundary_keep(Boundary *b, const Updater *updater, const float *reference, const Progress *progress) {
  size_t bytes = updater->table->total * sizeof(float), moments = optimizer_floats(&updater->optimizer) * sizeof(float);
  memcpy(held(b, progress->iteration), updater->weights, bytes);
  memcpy(b->moment1, updater->optimizer.moment1, moments);
  memcpy(b->moment2, updater->optimizer.moment2, moments);
  memcpy(b->reference, reference, bytes);
  b->step = updater->optimizer.step;
  b->progress = *progress;
  if (b->oldest < progress->iteration - b->lag) b->oldest = progress->iteration - b->lag;
}

void boundary_restore(const Boundary *b, Updater *updater, float *reference, Progress *progress) {
  size_t bytes = updater->table->total * sizeof(float), moments = optimizer_floats(&updater->optimizer) * sizeof(float);
  memcpy(updater->weights, held(b, b->progress.iteration), bytes);
  memcpy(updater->optimizer.moment1, b->moment1, moments);
  memcpy(updater->optimizer.moment2, b->moment2, moments);
  memcpy(reference, b->reference, bytes);
  updater->optimizer.step = b->step;
  *progress = b->progress;
}

void boundary_load(Boundary *b, const ParamTable *table, const Checkpoint *checkpoint) {
  int count = checkpoint->earlier_count < b->lag ? checkpoint->earlier_count : b->lag;
  b->oldest = checkpoint->iteration - count;
  CHECK(b->oldest >= 0);
  for (int i = 0; i < count; i++)
    memcpy(held(b, checkpoint->iteration - 1 - i), checkpoint->earlier[i], table->total * sizeof(float));
}

void boundary_lend(const Boundary *b, Checkpoint *checkpoint) {
  checkpoint->earlier_count = 0;
  for (int64_t v = checkpoint->iteration - 1; v >= b->oldest && checkpoint->earlier_count < b->lag; v--)
    checkpoint->earlier[checkpoint->earlier_count++] = held(b, v);
}
