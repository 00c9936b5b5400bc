/* Plan: what an actor will take for a configuration. Found by rolling a chunk out with the policy that the run starts from;
 * nothing is written. A JSON object on stdout, which the `--dry-run` of troupe train reads. */
#ifndef TROUPE_ACTOR_PLAN_H
#define TROUPE_ACTOR_PLAN_H

#include "actor/rollout.h"

/* Of a rollout that is initialised. */
Status plan_actor(Rollout *rollout);

#endif
