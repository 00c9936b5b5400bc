/* Configuration: defaults, YAML, --set, errors with line numbers and nearest names, round trip. */
#include "common/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/config/options.h"

static Status read_text(Config *config, const char *text) { return config_read_text(config, "x.yaml", text, strlen(text)); }

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
  expect_error("policy:\n  group: many\n", "x.yaml:2: policy.group: 'many' is not possible; a whole number from 1 to 256");
  expect_error("group: 5\n", "did you mean policy.group?");
  expect_error("policy:\n  group: 5\n  group: 6\n", "x.yaml:3: policy.group is given twice");
  expect_error("policy:\n  kl: k4\n", "x.yaml:2: policy.kl: 'k4' is not possible; one of k1|k2|k3 was expected");
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
      cmocka_unit_test(defaults_are_in_bounds), cmocka_unit_test(yaml_sets_values),
      cmocka_unit_test(errors_name_line_and_nearest), cmocka_unit_test(text_reads_back),
      cmocka_unit_test(hash_sees_what_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
