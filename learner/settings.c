/* Settings: names are looked up in the tables of the modules that own them; the option table lets only known
 * ones pass. */
#include "learner/settings.h"

#include <stdlib.h>
#include <string.h>

#include "common/model/policy.h"

static int named(const char *const *names, const char *name) {
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], name) == 0) return i;
  check_failed(name, __FILE__, __LINE__); /* the option table lets a choice pass that its module does not know */
}

OptimizerOptions settings_optimizer(const OptimizerConfig *config) {
  return (OptimizerOptions){.kind = (OptimizerKind)named(optimizer_names, config->name),
                            .learning_rate = config->lr,
                            .beta1 = config->beta1,
                            .beta2 = config->beta2,
                            .eps = config->eps,
                            .weight_decay = config->weight_decay,
                            .max_grad_norm = config->clip_norm,
                            .head_scale = config->head_scale};
}

ScheduleOptions settings_schedule(const ScheduleConfig *config) {
  return (ScheduleOptions){
      .kind = (ScheduleKind)named(schedule_names, config->name), .warmup = config->warmup, .final = config->final};
}

AdvantageOptions settings_advantage(const Config *config) {
  return (AdvantageOptions){.kind = (AdvantageKind)named(advantage_names, config->policy.advantage),
                            .eps = config->policy.advantage_eps,
                            .min_std = config->policy.min_std};
}

ObjectiveOptions settings_objective(const Config *config) {
  bool reinforce = advantage_needs_greedy(settings_advantage(config).kind);
  ObjectiveOptions options = OBJECTIVE_DEFAULTS;
  options.form = reinforce ? OBJECTIVE_REINFORCE : OBJECTIVE_CLIPPED;
  options.level = (ObjectiveLevel)named(objective_level_names, config->policy.level);
  options.aggregation = (Aggregation)named(aggregation_names, config->policy.aggregation);
  options.kl = (KlKind)named(kl_names, config->policy.kl);
  options.beta = policy_reference(config) ? config->policy.beta : 0;
  options.eps_low = config->policy.eps_low;
  options.eps_high = config->policy.eps_high;
  options.importance_cap = config->policy.importance_cap;
  options.entropy_bonus = config->policy.entropy;
  options.max_length = policy_max_length(config);
  return options;
}

OffPolicy settings_off_policy(const Config *config) {
  return (OffPolicy)named(off_policy_names, config->policy.off_policy);
}

GuardOptions settings_guard(const Config *config) {
  return (GuardOptions){config->guard.kl, config->guard.entropy, config->guard.length};
}

int settings_threads(const Config *config, int otherwise) {
  if (config->learner.threads > 0) return config->learner.threads;
  const char *left = getenv("TROUPE_LEARNER_THREADS");
  int threads = left ? atoi(left) : 0;
  return threads > 0 ? threads : otherwise;
}
