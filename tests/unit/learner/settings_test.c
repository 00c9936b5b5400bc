/* Settings: every choice that the option table lets pass is known to the module that owns it. */
#include "learner/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/options.h"
#include "common/model/policy.h"
#include "common/score/component.h"

static void same_names(const char *path, const char *const *names) {
  const Option *option = option_find(path);
  assert_non_null(option);
  char choices[256] = "";
  for (int i = 0; names[i]; i++)
    snprintf(choices + strlen(choices), sizeof choices - strlen(choices), "%s%s", i ? "|" : "", names[i]);
  assert_int_equal(strlen(choices), strlen(option->choices));
  for (int i = 0; names[i]; i++) { /* any order */
    Config config;
    config_init(&config);
    assert_int_equal(option_store(option, &config, names[i]), OK);
    config_free(&config);
  }
}

static void choices_are_the_modules_names(void **state) {
  (void)state;
  same_names("policy.advantage", advantage_names);
  same_names("policy.level", objective_level_names);
  same_names("policy.aggregation", aggregation_names);
  same_names("policy.kl", kl_names);
  same_names("policy.off_policy", off_policy_names);
  same_names("optimizer.name", optimizer_names);
  same_names("pretrain.optimizer.name", optimizer_names);
  same_names("schedule.name", schedule_names);
  for (int k = 0; k < REWARD_COMPONENTS; k++) {
    char path[64];
    snprintf(path, sizeof path, "rewards.%s.weight", reward_component_name((RewardComponent)k));
    assert_non_null(option_find(path));
  }
}

static void values_arrive(void **state) {
  (void)state;
  Config config;
  config_init(&config);
  const char *sets[] = {"policy.advantage=rloo",  "policy.level=sequence", "policy.aggregation=constant",
                        "policy.kl=k2",           "policy.beta=0.5",       "policy.eps_high=0.3",
                        "sampling.max_length=17", "policy.entropy=0.01",   "optimizer.name=adamw",
                        "optimizer.lr=3e-5",      "optimizer.clip_norm=2", "schedule.name=linear",
                        "schedule.warmup=0.25",   "schedule.final=0.125",  "optimizer.head_scale=0.5"};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) assert_int_equal(config_set(&config, sets[i]), OK);
  ObjectiveOptions objective = settings_objective(&config);
  assert_true(settings_advantage(&config).kind == ADVANTAGE_RLOO && objective.form == OBJECTIVE_CLIPPED);
  assert_true(objective.level == LEVEL_SEQUENCE && objective.aggregation == AGGREGATION_CONSTANT &&
              objective.kl == KL_K2);
  assert_true(objective.beta == 0.5 && objective.eps_high == 0.3 && objective.eps_low == 0.2);
  assert_true(objective.max_length == 17 && objective.entropy_bonus == 0.01);
  OptimizerOptions optimizer = settings_optimizer(&config.optimizer);
  assert_true(optimizer.kind == OPTIMIZER_ADAMW && optimizer.learning_rate == 3e-5 && optimizer.max_grad_norm == 2);
  assert_true(optimizer.head_scale == 0.5);
  ScheduleOptions schedule = settings_schedule(&config.schedule);
  assert_true(schedule.kind == SCHEDULE_LINEAR && schedule.warmup == 0.25 && schedule.final == 0.125);
  assert_int_equal(config_set(&config, "policy.advantage=scst"), OK);
  objective = settings_objective(&config);
  assert_true(objective.form == OBJECTIVE_REINFORCE && objective.beta == 0 && !policy_reference(&config));
  assert_int_equal(config_set(&config, "policy.advantage=grpo"), OK);
  assert_true(policy_reference(&config));
  assert_int_equal(config_set(&config, "policy.beta=0"), OK);
  assert_false(policy_reference(&config));
  config_free(&config);
}

static void threads_by_option_then_launcher(void **state) {
  (void)state;
  Config config;
  config_init(&config);
  unsetenv("TROUPE_LEARNER_THREADS");
  assert_int_equal(settings_threads(&config, 3), 3);
  setenv("TROUPE_LEARNER_THREADS", "5", 1);
  assert_int_equal(settings_threads(&config, 3), 5);
  assert_int_equal(config_set(&config, "learner.threads=2"), OK);
  assert_int_equal(settings_threads(&config, 3), 2);
  config_free(&config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(choices_are_the_modules_names),
      cmocka_unit_test(values_arrive),
      cmocka_unit_test(threads_by_option_then_launcher),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
