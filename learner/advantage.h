/* Advantage: the rewards of one image's group of G captions -> one advantage a caption.
 *
 *   grpo     A = (r - mean) / (std + eps)      arXiv 2402.03300; population standard deviation as in arXiv 2503.01333
 *   dr_grpo  A = r - mean                      arXiv 2503.20783
 *   rloo     A = r - mean of the other G - 1   arXiv 2003.09971 (new SCST), 2402.14740
 *   scst     A = r - r(greedy caption)         arXiv 1612.00563
 *
 * A group that says nothing (spread < min_std) gets A = 0. The spread is the standard deviation; for scst it is the
 * root mean square of r - r(greedy), since there one caption alone says something. */
#ifndef TROUPE_LEARNER_ADVANTAGE_H
#define TROUPE_LEARNER_ADVANTAGE_H

#include <stdbool.h>

typedef enum AdvantageKind {
  ADVANTAGE_GRPO,
  ADVANTAGE_DR_GRPO,
  ADVANTAGE_RLOO,
  ADVANTAGE_SCST,
  ADVANTAGE_KINDS
} AdvantageKind;
extern const char *const advantage_names[ADVANTAGE_KINDS + 1]; /* NULL ends it */

typedef struct AdvantageOptions {
  AdvantageKind kind;
  double eps;     /* grpo: added to the standard deviation */
  double min_std; /* on the reward's scale */
} AdvantageOptions;
#define ADVANTAGE_DEFAULTS ((AdvantageOptions){.kind = ADVANTAGE_GRPO, .eps = 1e-5, .min_std = 1e-4})

/* True for a kind that needs the reward of the image's greedy caption. Such a kind goes with OBJECTIVE_REINFORCE. */
bool advantage_needs_greedy(AdvantageKind kind);

typedef struct GroupStats {
  double mean, std; /* of the rewards; population standard deviation */
  bool degenerate;  /* spread < min_std: all advantages are 0 */
} GroupStats;

/* rewards [G] -> advantages [G]. `greedy` is the reward of the greedy caption (scst; else ignored). G >= 1. A reward
 * that is NaN makes every advantage of its group NaN, which the objective reports. */
GroupStats advantage_group(const AdvantageOptions *options, int group, const double *rewards, double greedy,
                           double *advantages);

#endif
