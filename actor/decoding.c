/* Decoding: options of samples over the configuration. */
#include "actor/decoding.h"

#include "common/model/policy.h"

Status decoding_check(const Sampling *given, const Config *config) {
  const char *option = given->temperature > 0 ? "temperature"
                       : given->top_k >= 0    ? "top-k"
                       : given->top_p > 0     ? "top-p"
                       : given->seed >= 0     ? "seed"
                                              : NULL;
  if (option && !given->samples)
    return status_set(BAD_INPUT, "--%s: says how to sample; --samples G was expected, too", option);
  if (given->samples && config->evaluation.beam > 1)
    return status_set(BAD_INPUT, "--samples and --beam exclude each other; one of them was expected");
  return OK;
}

SampleOptions decoding_samples(const Sampling *given, const Config *config) {
  SampleOptions options = policy_sampling(config);
  if (given->temperature > 0) options.temperature = (float)given->temperature;
  if (given->top_k >= 0) options.top_k = given->top_k;
  if (given->top_p > 0) options.top_p = (float)given->top_p;
  options.seed = given->seed < 0 ? 1 : (uint64_t)given->seed;
  return options;
}
