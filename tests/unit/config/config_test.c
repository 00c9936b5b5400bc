/* Configuration: defaults, YAML, --set, errors with line numbers and nearest names, round trip. */
#include "common/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/command.h"
#include "common/config/options.h"

static Status read_text(Config *config, const char *text) {
  return config_read_text(config, "x.yaml", text, strlen(text));
}

static void expect_error(const char *text, const char *message) {
  Config config;
  config_init(&config);
  assert_int_equal(read_text(&config, text), BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("'%s' does not contain '%s'", status_message(), message);
  config_free(&config);
}

static void defaults_are_in_bounds(void **state) {
  (void)state;
  Config config;
  config_init(&config);
  assert_int_equal(config.policy.group, 5);
  assert_true(config.policy.beta == 0.04);
  assert_string_equal(config.policy.advantage, "grpo");
  config_free(&config);
  config_free(&config);
}

static void yaml_sets_values(void **state) {
  (void)state;
  Config config;
  config_init(&config);
  const char *text = "run: {name: demo, seed: 7}\npolicy:\n  group: 8\n  beta: 1e-2\nmodel:\n  tied: yes\n"
                     "rewards:\n  cider_d: 2\n  length: {weight: 0.5, target: 9}\nreference:\n";
  assert_int_equal(read_text(&config, text), OK);
  assert_string_equal(config.run.name, "demo");
  assert_true(config.run.seed == 7 && config.policy.group == 8 && config.policy.beta == 1e-2 && config.model.tied);
  assert_true(config.rewards.cider_d == 2 && config.rewards.length == 0.5 && config.rewards.length_target == 9);
  assert_int_equal(config_set(&config, "policy.advantage=scst"), OK);
  assert_string_equal(config.policy.advantage, "scst");
  config_free(&config);
}

static void errors_name_line_and_nearest(void **state) {
  (void)state;
  expect_error("policy:\n  grup: 8\n", "x.yaml:2: unknown option policy.grup; did you mean policy.group?");
  expect_error("policy:\n  group: many\n",
               "x.yaml:2: policy.group: 'many' is not possible; a whole number from 1 to 256");
  expect_error("group: 5\n", "did you mean policy.group?");
  expect_error("policy:\n  group: 5\n  group: 6\n", "x.yaml:3: policy.group is given twice");
  expect_error("policy:\n  kl: k4\n", "x.yaml:2: policy.kl: 'k4' is not possible; one of k1|k2|k3 was expected");
  expect_error("policy: 3\n", "x.yaml:1: policy is a section; options such as policy.init were expected below it");
  expect_error("policy:\n  group: 5\n---\npolicy:\n  group: 6\n", "x.yaml:3: a second YAML document; one was expected");
  expect_error("policy:\n  group: 5\n...\n}\n", "x.yaml:4: not YAML");
  expect_error("policy: [1, 2]\n", "x.yaml:1: policy is a list");
  expect_error("policy: {beta: nan}\n", "policy.beta: 'nan' is not possible");
  expect_error("a: {b: [\n", "not YAML");
  expect_error("just text", "sections such as");
  expect_error("policy: &p {reference: *p}\n", "x.yaml:1: unknown option policy.reference");
  expect_error("policy: {group: }\n", "policy.group has no value");
  expect_error("policy: {group: {a: 1}}\n", "policy.group holds a section");
  Config config;
  config_init(&config);
  assert_int_equal(config_set(&config, "policy.group"), BAD_INPUT);
  assert_int_equal(config_set(&config, "policy.gruop=3"), BAD_INPUT);
  assert_non_null(strstr(status_message(), "did you mean policy.group?"));
  config_free(&config);
}

static void refused_together(const char *first, const char *second, const char *message) {
  Config config;
  config_init(&config);
  assert_int_equal(config_set(&config, "data.file=x.h5"), OK);
  assert_int_equal(config_check(&config), OK);
  assert_int_equal(config_set(&config, first), OK);
  if (second) assert_int_equal(config_set(&config, second), OK);
  assert_int_equal(config_check(&config), BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("'%s' does not contain '%s'", status_message(), message);
  config_free(&config);
}

static void options_must_fit_each_other(void **state) {
  (void)state;
  refused_together("model.d_model=30", NULL, "model.d_model 30 is not a multiple of model.heads 8");
  refused_together("model.max_length=26", NULL, "model.positions 25 is below model.max_length 26");
  refused_together("sampling.max_length=26", NULL, "sampling.max_length 26 is above model.positions 25");
  refused_together("policy.images_per_iteration=8", NULL, "minibatch_images 16 is above policy.images_per_iteration 8");
  refused_together("policy.group=1", NULL, "at least 2 was expected for grpo");
  refused_together("policy.advantage=scst", "policy.inner_epochs=2", "policy.inner_epochs 2: scst");
  refused_together("rewards.cider_d.df=batch", NULL, "units of 32 images; actors.chunk_images is 16");
  refused_together("actors.lag=1", "actors.max_lag=2", "actors.lag 1 and actors.max_lag 2: one of them");
  refused_together("actors.max_lag=1", "actors.chunk_images=24", "320 is not a multiple of actors.chunk_images 24");
  refused_together("policy.dynamic_sampling=true", "actors.max_lag=1", "goes with actors.lag, not with actors.max_lag");
  refused_together("rewards.cider_d=0", NULL, "rewards: every weight is 0");
  refused_together("actors.heartbeat_s=20", NULL, "actors.timeout_s 30 is below three times");
}

static void any_reward_will_do(void **state) {
  (void)state;
  static const char *const sets[] = {"cider",  "bleu4",      "rouge_l", "meteor",
                                     "length", "repetition", "no_eos",  "cider_d"};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    Config config;
    char *set = xasprintf("rewards.%s.weight=0.5", sets[i]);
    config_init(&config);
    assert_int_equal(config_set(&config, "data.file=x.h5"), OK);
    assert_int_equal(config_set(&config, "rewards.cider_d=0"), OK);
    assert_int_equal(config_set(&config, set), OK);
    if (config_check(&config) != OK) fail_msg("%s: %s", set, status_message());
    free(set);
    config_free(&config);
  }
}

static void command_lines(void **state) {
  (void)state;
  Command command;
  char *good[] = {"train", "c.yaml", "-n", "3", "--set", "a.b=1", "--set=c.d=2", "--profile", NULL};
  assert_int_equal(command_parse(&command, 8, good), OK);
  assert_string_equal(command.file, "c.yaml");
  assert_true(command.actors == 3 && command.set_count == 2 && command.profile && !command.help);
  assert_string_equal(command.sets[0], "a.b=1");
  assert_string_equal(command.sets[1], "c.d=2");
  command_free(&command);
  command_free(&command);
  static const struct {
    const char *words[3], *message;
  } bad[] = {
      {{NULL}, "a CONFIG file was expected"},
      {{"a.yaml", "b.yaml"}, "b.yaml: one CONFIG was expected"},
      {{"a.yaml", "--set"}, "--set: a value was expected"},
      {{"a.yaml", "-n"}, "-n: a value was expected"},
      {{"a.yaml", "-n", "0"}, "-n: '0'; a whole number from 1"},
      {{"a.yaml", "-n", "2x"}, "-n: '2x'; a whole number from 1"},
      {{"a.yaml", "--sett"}, "unknown option --sett"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char *words[4] = {"train"};
    int count = 1;
    for (; count < 4 && bad[i].words[count - 1]; count++) words[count] = (char *)(uintptr_t)bad[i].words[count - 1];
    assert_int_equal(command_parse(&command, count, words), BAD_INPUT);
    if (!strstr(status_message(), bad[i].message)) fail_msg("'%s' lacks '%s'", status_message(), bad[i].message);
    command_free(&command);
  }
}

static void text_reads_back(void **state) {
  (void)state;
  Config config, again;
  config_init(&config);
  config_init(&again);
  assert_int_equal(config_set(&config, "optimizer.lr=2.3e-5"), OK);
  assert_int_equal(config_set(&config, "run.dir=a \"b\" \\c"), OK);
  char *text = config_text(&config, true), *text_again;
  assert_int_equal(read_text(&again, text), OK);
  text_again = config_text(&again, true);
  assert_string_equal(text, text_again);
  free(text);
  free(text_again);
  config_free(&config);
  config_free(&again);
}

static void hash_sees_what_counts(void **state) {
  (void)state;
  Config config;
  char before[33], after[33];
  config_init(&config);
  config_hash(&config, before);
  assert_int_equal(config_set(&config, "learner.threads=2"), OK);
  config_hash(&config, after);
  assert_string_equal(before, after);
  assert_int_equal(config_set(&config, "policy.group=6"), OK);
  config_hash(&config, after);
  assert_string_not_equal(before, after);
  config_free(&config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_in_bounds),       cmocka_unit_test(yaml_sets_values),
      cmocka_unit_test(errors_name_line_and_nearest), cmocka_unit_test(text_reads_back),
      cmocka_unit_test(hash_sees_what_counts),        cmocka_unit_test(options_must_fit_each_other),
      cmocka_unit_test(any_reward_will_do),           cmocka_unit_test(command_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
