/* What the two roles of a simulated run share. */
#ifndef TROUPE_TESTS_SMPI_SIMULATION_H
#define TROUPE_TESTS_SMPI_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "common/config/config.h"

enum { SIMULATION_GROUP = 5 };
#define SIMULATION_POLL_S 0.02 /* while computing, where hosts fail and nothing is measured */

typedef struct Simulation {
  int learners, actors, iterations;
  double actor_rate, learner_rate;
  size_t floats;
  bool failing; /* hosts fail: short limits, small chunks, checks in place of measuring */
  Config config;
} Simulation;

/* Tokens of a sampled caption: 5 .. 17, 11 in the mean. */
int simulation_length(int32_t image, int caption);

/* An actor's whole work, until the learner ends it or is gone. */
Status simulation_actor(const Simulation *simulation);

#endif
