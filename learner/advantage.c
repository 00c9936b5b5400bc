/* Advantages: one row a kind says what is subtracted and what it is divided by. */
#include "learner/advantage.h"

#include <math.h>
#include <stddef.h>

#include "common/base/status.h"

static double scale_std(const AdvantageOptions *options, int group, double std) {
  (void)group;
  return std + options->eps;
}

static double scale_one(const AdvantageOptions *options, int group, double std) {
  (void)options, (void)group, (void)std;
  return 1;
}

/* r - mean of the others = (r - mean) G / (G - 1) */
static double scale_leave_one_out(const AdvantageOptions *options, int group, double std) {
  (void)options, (void)std;
  return (group - 1.0) / group;
}

typedef struct AdvantageRow {
  bool greedy; /* baseline: the greedy caption's reward; else the group's mean */
  double (*scale)(const AdvantageOptions *options, int group, double std);
} AdvantageRow;

static const AdvantageRow advantage_rows[ADVANTAGE_KINDS] = {
    [ADVANTAGE_GRPO] = {false, scale_std},
    [ADVANTAGE_DR_GRPO] = {false, scale_one},
    [ADVANTAGE_RLOO] = {false, scale_leave_one_out},
    [ADVANTAGE_SCST] = {true, scale_one},
};
const char *const advantage_names[ADVANTAGE_KINDS + 1] = {"grpo", "dr_grpo", "rloo", "scst", NULL};

bool advantage_needs_greedy(AdvantageKind kind) { return advantage_rows[kind].greedy; }

static double mean_of(int count, const double *values) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += values[i];
  return sum / count;
}

static double deviation_from(double centre, int count, const double *values) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += (values[i] - centre) * (values[i] - centre);
  return sqrt(sum / count);
}

GroupStats advantage_group(const AdvantageOptions *options, int group, const double *rewards, double greedy,
                           double *advantages) {
  CHECK(group >= 1 && options->kind < ADVANTAGE_KINDS);
  const AdvantageRow *row = &advantage_rows[options->kind];
  GroupStats stats = {.mean = mean_of(group, rewards)};
  stats.std = deviation_from(stats.mean, group, rewards);
  double baseline = row->greedy ? greedy : stats.mean;
  double spread = row->greedy ? deviation_from(greedy, group, rewards) : stats.std;
  stats.degenerate = spread < options->min_std || spread == 0; /* false when a reward is NaN */
  double scale = stats.degenerate ? 1 : row->scale(options, group, stats.std);
  for (int i = 0; i < group; i++) advantages[i] = stats.degenerate ? 0 : (rewards[i] - baseline) / scale;
  return stats;
}
