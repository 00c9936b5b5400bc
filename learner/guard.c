/* Guard: thresholds and words. */
#include "learner/guard.h"

#include <math.h>

#include "common/base/log.h"

static const char *const advice = "a lower optimizer.lr, a higher policy.beta or an earlier checkpoint may be needed";

static int signs(const Guard *guard, double kl, double entropy, double length) {
  const GuardOptions *o = &guard->options;
  int found = 0;
  if (o->kl > 0 && kl > o->kl) found |= GUARD_KL;
  if (o->entropy > 0 && entropy < o->entropy * guard->first_entropy) found |= GUARD_ENTROPY;
  if (o->length > 0 && fabs(length - guard->first_length) > o->length * guard->first_length) found |= GUARD_LENGTH;
  return found;
}

int guard_take(Guard *guard, int64_t iteration, double kl, double entropy, double length) {
  const GuardOptions *o = &guard->options;
  if (!guard->first_iteration) {
    guard->first_iteration = iteration;
    guard->first_entropy = entropy;
    guard->first_length = length;
  }
  int found = signs(guard, kl, entropy, length), fresh = found & ~guard->shown;
  guard->shown = found;
  long long now = (long long)iteration, first = (long long)guard->first_iteration;
  if (fresh & GUARD_KL)
    log_warning("iteration %lld: the policy has gone %.2f nats a token from its reference (guard.kl %g); %s", now, kl,
                o->kl, advice);
  if (fresh & GUARD_ENTROPY)
    log_warning(
        "iteration %lld: entropy is %.3f nats a token, %.3f at iteration %lld (guard.entropy %g): samples of a group are "
        "all but the same; %s",
        now, entropy, guard->first_entropy, first, o->entropy, advice);
  if (fresh & GUARD_LENGTH)
    log_warning(
        "iteration %lld: captions have %.1f tokens, %.1f at iteration %lld (guard.length %g): does the reward pay for "
        "length? rewards.length and rewards.no_eos hold it; %s",
        now, length, guard->first_length, first, o->length, advice);
  return fresh;
}
