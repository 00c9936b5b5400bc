/* Resume: options of the arithmetic must be the same, each that is not is named; length and evaluations may differ. */
#include "common/config/resume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a run of `stage` with the defaults says when it goes on with these options. */
static Status resumes(const char *stage, const char *const *sets) {
  Config before, now;
  config_init(&before);
  config_init(&now);
  for (; *sets; sets++) assert_int_equal(config_set(&now, *sets), OK);
  Status status = config_resumes(&before, &now, stage, true);
  config_free(&before);
  config_free(&now);
  return status;
}

static void expect(const char *stage, const char *const *sets, const char *message) {
  assert_int_equal(resumes(stage, sets), message ? BAD_INPUT : OK);
  if (message && !strstr(status_message(), message)) fail_msg("'%s' does not contain '%s'", status_message(), message);
}
#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void arithmetic_must_be_the_same(void **state) {
  (void)state;
  expect("train", SETS("run.seed=6"), "was begun with run.seed 1 (now 6); the same options, or another run.dir");
  expect("train", SETS("policy.group=8", "optimizer.lr=1e-3", "policy.advantage=rloo"),
         "policy.group 5 (now 8), policy.advantage grpo (now rloo), optimizer.lr 1e-05 (now 0.001); the same");
  expect("train", SETS("rewards.bleu4=1"), "rewards.bleu4.weight 0 (now 1)");
  expect("train", SETS("actors.chunk_images=8"), "actors.chunk_images 16 (now 8)");
  expect("train", SETS("data.validation=dev"), "data.validation \"val\" (now \"dev\")");
  expect("pretrain", SETS("run.seed=6"), "run.seed 1 (now 6)");
  expect("pretrain", SETS("pretrain.optimizer.lr=1e-3"), "pretrain.optimizer.lr 0.0004 (now 0.001)");
  expect("pretrain", SETS("model.dropout=0.3"), "model.dropout 0.1 (now 0.3)");
}

static void the_rest_may_differ(void **state) {
  (void)state;
  expect("train", SETS("policy.iterations=9", "policy.epochs=2", "evaluation.every=3", "policy.init=x.h5"), NULL);
  expect("train", SETS("run.name=x", "run.dir=y", "actors.timeout_s=60", "learner.threads=3", "checkpoint.keep=9"),
         NULL);
  expect("train", SETS("pretrain.epochs=9", "pretrain.optimizer.lr=1", "model.dropout=0.5"), NULL);
  expect("pretrain", SETS("pretrain.epochs=9", "policy.group=8", "optimizer.lr=1", "rewards.bleu4=1"), NULL);
}

/* More than a message holds: whole items, and how many were left out. */
static void a_long_list_is_cut(void **state) {
  (void)state;
  char train[800], validation[800];
  snprintf(train, sizeof train, "data.train=%0700d", 1);
  snprintf(validation, sizeof validation, "data.validation=%0700d", 1);
  expect("train", SETS("run.seed=6", train, validation, "policy.group=6"),
         "run.seed 1 (now 6), data.train \"train\" (now");
  assert_non_null(strstr(status_message(), "1\"), policy.group 5 (now 6) and 1 more; the same options"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arithmetic_must_be_the_same),
      cmocka_unit_test(the_rest_may_differ),
      cmocka_unit_test(a_long_list_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
