/* State: weights and moments between a checkpoint and the learner's ranks, each of which has the moments of its own segment.
 * All ranks call each function at the same point; one rank by itself only copies or lends. */
#ifndef TROUPE_LEARNER_STATE_H
#define TROUPE_LEARNER_STATE_H

#include "common/config/config.h"
#include "common/data/dataset.h"
#include "common/model/checkpoint.h"
#include "learner/update.h"

/* Before the others: have all ranks the same configuration, dataset and model? Errors as team_meet. */
Status state_meet(Team *team, const Config *config, const Dataset *dataset, const ParamTable *table);

/* With --trace: the timeline of a rank that is not the lead, which has its own with the run folder. */
Status state_trace(const Team *team, const Config *config, const char *stage);

/* At the end: the lead hears the profiles of all. */
Status state_profile(Team *team);

/* All ranks <- the lead's weights, its step, its moments from `from` (NULL, there or elsewhere: they stay zero). */
Status state_spread(Updater *updater, const Checkpoint *from);

/* The lead's checkpoint <- all moments (`to` NULL elsewhere). Then, once it is written, state_return. */
Status state_collect(const Updater *updater, Checkpoint *to);
void state_return(const Updater *updater, Checkpoint *to);

#endif
