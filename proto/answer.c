/* Names, counts, values. */
#include "proto/answer.h"

#include <math.h>
#include <string.h>

static bool names_agree(const Result *result, const Assignment *a) {
  return result->images == a->images && result->policy_version == a->policy_version &&
         result->reference_version == a->reference_version &&
         result->has_reference == (a->work == WORK_ROLLOUT && a->reference_version != VERSION_NONE) &&
         memcmp(result->image, a->image, sizeof(int32_t) * (size_t)a->images) == 0;
}

/* Steps of `start` [count + 1]: each in [least, most]; most 0 = any. */
static bool steps_fit(const int32_t *start, int count, int least, int most) {
  for (int i = 0; most && i < count; i++)
    if (start[i + 1] - start[i] < least || start[i + 1] - start[i] > most) return false;
  return true;
}

static bool doubles_finite(const double *values, size_t count) {
  for (size_t i = 0; values && i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

static bool floats_finite(const float *values, int count) {
  for (int i = 0; values && i < count; i++)
    if (!isfinite(values[i])) return false;
  return true;
}

bool answer_fits(const AnswerBounds *o, const Result *result, const Assignment *a) {
  if (!names_agree(result, a)) return false;
  for (int t = 0; o->vocabulary && t < result->tokens; t++)
    if (result->token[t] >= o->vocabulary) return false;
  bool rollout = a->work == WORK_ROLLOUT;
  if (rollout && o->baseline && !result->has_baseline) return false;
  int group = rollout || !o->group ? o->group : 1; /* an evaluation: a caption an image */
  size_t captions = (size_t)result->captions;
  return steps_fit(result->image_start, result->images, group, group) &&
         steps_fit(result->caption_start, result->captions, 1, o->length) && doubles_finite(result->reward, captions) &&
         doubles_finite(result->component, captions * (size_t)result->components) &&
         (!result->has_baseline || doubles_finite(result->baseline, (size_t)result->images)) &&
         floats_finite(result->logp, result->tokens) &&
         (!result->has_reference || floats_finite(result->reference_logp, result->tokens));
}
