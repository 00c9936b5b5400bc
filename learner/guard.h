/* Guard: warns in the log when training seems to collapse: the policy has gone far from its reference, samples all but the same
 * words each time, or has shortened (or stretched) its captions. It changes nothing. A warning comes once, and again when the
 * sign had gone and is back. Entropy and length are compared with those of the first iteration that the guard was told of: that of
 * the stage-1 model, or the one after a resume. */
#ifndef TROUPE_LEARNER_GUARD_H
#define TROUPE_LEARNER_GUARD_H

#include <stdint.h>

/* Options guard.*; 0 = off. */
typedef struct GuardOptions {
  double kl;      /* largest KL divergence from the reference, nats a token */
  double entropy; /* smallest entropy, as a fraction of the first */
  double length;  /* largest change of the mean length, as a fraction of the first */
} GuardOptions;

typedef enum GuardSign { GUARD_KL = 1, GUARD_ENTROPY = 2, GUARD_LENGTH = 4 } GuardSign;

typedef struct Guard {
  GuardOptions options;
  int64_t first_iteration; /* 0 = none yet */
  double first_entropy, first_length;
  int shown; /* signs that were there at the last iteration */
} Guard;

/* An iteration's means: nats a token (kl NAN without a reference), tokens a caption. Returns the signs that are new, each of
 * which was logged. Values that are not finite give no sign: such steps are learner/skips.h's. */
int guard_take(Guard *guard, int64_t iteration, double kl, double entropy, double length);

#endif
