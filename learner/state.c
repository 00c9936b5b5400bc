/* Who is there; moments scattered and gathered. */
#include "learner/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/profile.h"
#include "common/base/trace.h"
#include "common/tensor/gemm.h"

Status state_meet(Team *team, const Config *config, const Dataset *dataset, const ParamTable *table) {
  TeamMember self = {.floats = table->total};
  config_hash(config, self.config_hash);
  snprintf(self.dataset_hash, sizeof self.dataset_hash, "%s", dataset->content_hash);
  snprintf(self.kernel, sizeof self.kernel, "%s", gemm_name());
  return team_meet(team, &self);
}

Status state_trace(const Team *team, const Config *config, const char *stage) {
  char *folder = config_run_folder(config, stage), role[32];
  snprintf(role, sizeof role, "learner %d", team_rank(team));
  Status status = trace_open(folder, team_rank(team), role);
  free(folder);
  return status;
}

Status state_profile(Team *team) {
  ProfileTotals own, all[TEAM_RANKS_MAX];
  if (!team) return OK;
  profile_totals(&own);
  TRY(team_share(team, &own, sizeof own, all));
  for (int r = 0; r < team_ranks(team) && team_rank(team) == 0; r++) profile_hear(PROFILE_LEARNERS, r, &all[r]);
  return OK;
}

Status state_spread(Updater *updater, const Checkpoint *from) {
  Team *team = updater->team;
  Optimizer *optimizer = &updater->optimizer;
  int64_t step = from && from->moment1 && from->moment2 ? from->step : 0; /* before the first one they are zero */
  TRY(team_broadcast(team, &step, sizeof step));
  TRY(team_broadcast(team, updater->weights, updater->table->total * sizeof(float)));
  optimizer->step = step;
  if (!step) return OK;
  TRY(team_scatter(team, from ? from->moment1 : NULL, optimizer->start, optimizer->moment1));
  return team_scatter(team, from ? from->moment2 : NULL, optimizer->start, optimizer->moment2);
}

Status state_collect(const Updater *updater, Checkpoint *to) {
  const Optimizer *optimizer = &updater->optimizer;
  if (to) to->moment1 = optimizer->moment1, to->moment2 = optimizer->moment2;
  if (!updater->team) return OK;
  if (to) to->moment1 = params_block(updater->table), to->moment2 = params_block(updater->table);
  TRY(team_gather(updater->team, optimizer->moment1, optimizer->start, to ? to->moment1 : NULL));
  return team_gather(updater->team, optimizer->moment2, optimizer->start, to ? to->moment2 : NULL);
}

void state_return(const Updater *updater, Checkpoint *to) {
  if (!updater->team || team_lost(updater->team)) return; /* after a loss the memory may still be MPI's */
  free(to->moment1);
  free(to->moment2);
}
