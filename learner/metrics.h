/* Metrics: an iteration's line in metrics.jsonl (names of TRL's GRPO trainer) and on the terminal, groups for
 * samples.jsonl, and the scores of an evaluation. */
#ifndef TROUPE_LEARNER_METRICS_H
#define TROUPE_LEARNER_METRICS_H

#include "common/base/json.h"
#include "common/score/evaluate.h"
#include "learner/learn.h"
#include "learner/run_folder.h"
#include "proto/hub.h"

typedef struct IterationMetrics {
  RolloutMeans rollouts;
  ObjectiveSums sums, first; /* of the update, of its first step */
  double grad_norm, learning_rate, epoch;
  double collected_s, step_s; /* until the rollouts were there; in all */
  int64_t tokens, captions;   /* sampled since the run began; decoded, greedy baselines included */
  bool reference, xe;         /* there is a KL; there is a cross-entropy term */
  bool dynamic;               /* policy.dynamic_sampling */
  int alive;
  double ready; /* share of the rollouts that were there before they were waited for */
  int skipped;  /* optimiser steps left out (learner/skips.h) */
  long dropped; /* chunks, for their version (actors.max_lag) */
  HubCounters before, after;
} IterationMetrics;

void metrics_line(json_t *line, int64_t iteration, const IterationMetrics *metrics);
void metrics_log(int64_t iteration, int64_t iterations, const IterationMetrics *metrics);

/* The first groups of the iteration: captions, rewards, advantages. */
Status metrics_samples(const RunFolder *run, const Learn *learn, int64_t iteration, int groups);

/* Scores of a complete evaluation [chunks]; the caller frees `scores`. `*length`: mean words a caption. */
void metrics_evaluation(const Result *const *results, int chunks, const Dataset *dataset, EvaluationScores *scores,
                        double *length);
void metrics_evaluation_add(json_t *line, const EvaluationScores *scores, double length);

#endif
