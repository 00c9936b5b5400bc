/* Boundary: what is put back, and which earlier policies a checkpoint is lent and gives back. */
#include "learner/boundary.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const ModelShape shape = {.vocabulary = 10,
                                 .width = 8,
                                 .heads = 2,
                                 .feed_forward = 8,
                                 .decoder_layers = 1,
                                 .cells = 2,
                                 .features = 3,
                                 .positions = 4};

static void fill(const ParamTable *table, Updater *updater, float value) {
  for (size_t i = 0; i < table->total; i++) updater->weights[i] = value;
}

/* Goes through iterations first .. end - 1, version v being filled with v; the boundary of `end` is not kept yet. */
static void run(Boundary *boundary, Updater *updater, Shared *reference, int64_t first, int64_t end) {
  for (int64_t k = first; k < end; k++) {
    fill(updater->table, updater, (float)k);
    boundary_keep(boundary, updater, reference, &(Progress){.iteration = k, .best = NAN});
  }
}

static float policy_value(const Boundary *boundary, int64_t version) {
  return shared_floats(boundary_policy(boundary, version))[0];
}

static void check_lent(const Boundary *boundary, int64_t iteration, int count) {
  Checkpoint checkpoint = {.iteration = iteration};
  boundary_lend(boundary, &checkpoint);
  assert_int_equal(checkpoint.earlier_count, count);
  for (int i = 0; i < count; i++) assert_true(checkpoint.earlier[i][3] == (float)(iteration - 1 - i));
}

static void earlier_policies(void **state) {
  (void)state;
  ParamTable table;
  Updater updater;
  OptimizerOptions options = {.kind = OPTIMIZER_ADAM};
  assert_int_equal(params_init(&table, &shape), OK);
  update_init(&updater, &table, &options, 1, 1, 4);
  Shared *reference = shared_of(params_block(&table));
  Boundary boundary, resumed;
  boundary_init(&boundary, &updater, 2);
  check_lent(&boundary, 0, 0);
  run(&boundary, &updater, reference, 0, 1);
  check_lent(&boundary, 0, 0);
  check_lent(&boundary, 1, 1); /* after iteration 0, before its boundary */
  run(&boundary, &updater, reference, 1, 5);
  check_lent(&boundary, 4, 2);
  check_lent(&boundary, 5, 2);
  assert_int_equal(boundary.oldest, 2);
  assert_true(policy_value(&boundary, 2) == 2 && policy_value(&boundary, 4) == 4);

  Checkpoint lent = {.iteration = 5}, checkpoint = {.iteration = 5, .earlier_count = 2};
  boundary_lend(&boundary, &lent);
  size_t bytes = table.total * sizeof(float);
  for (int i = 0; i < 2; i++) checkpoint.earlier[i] = memcpy(params_block(&table), lent.earlier[i], bytes);
  boundary_init(&resumed, &updater, 2);
  boundary_load(&resumed, &checkpoint);
  assert_null(checkpoint.earlier[0]);
  assert_int_equal(resumed.oldest, 3);
  assert_true(policy_value(&resumed, 3) == 3 && policy_value(&resumed, 4) == 4);
  run(&resumed, &updater, reference, 5, 6);
  check_lent(&resumed, 6, 2);
  assert_int_equal(resumed.oldest, 3);

  boundary_free(&resumed);
  boundary_free(&boundary);
  boundary_free(&boundary);
  shared_drop(reference);
  update_free(&updater);
  params_free(&table);
}

static void put_back(void **state) {
  (void)state;
  ParamTable table;
  Updater updater;
  OptimizerOptions options = {.kind = OPTIMIZER_ADAM};
  assert_int_equal(params_init(&table, &shape), OK);
  update_init(&updater, &table, &options, 1, 1, 4);
  Shared *reference = shared_of(params_block(&table));
  Boundary boundary;
  Progress progress = {.iteration = 3, .reference_version = 1, .tokens = 50, .best = 0.5};
  boundary_init(&boundary, &updater, 1);
  fill(&table, &updater, 1);
  Shared *first_reference = reference, *published = shared_hold(updater.block);
  updater.optimizer.moment1[1] = updater.optimizer.moment2[2] = 2;
  updater.optimizer.step = 7;
  boundary_keep(&boundary, &updater, reference, &progress);
  fill(&table, &updater, 9);
  assert_true(shared_floats(published)[0] == 1); /* it may be being sent */
  shared_replace(&reference, shared_hold(updater.block));
  updater.optimizer.moment1[1] = updater.optimizer.moment2[2] = 9;
  updater.optimizer.step = 9;
  progress = (Progress){.iteration = 4, .best = NAN};
  boundary_restore(&boundary, &updater, &reference, &progress);
  assert_true(updater.weights[0] == 1 && updater.weights[table.total - 1] == 1);
  assert_ptr_equal(reference, first_reference);
  assert_true(updater.optimizer.moment1[1] == 2 && updater.optimizer.moment2[2] == 2 && updater.optimizer.step == 7);
  assert_true(progress.iteration == 3 && progress.reference_version == 1 && progress.tokens == 50 &&
              progress.best == 0.5);
  boundary_keep(&boundary, &updater, reference, &progress); /* the updater's block was the boundary's, too */
  fill(&table, &updater, 9);
  assert_true(policy_value(&boundary, 3) == 1 && shared_floats(published)[0] == 1);
  shared_drop(published);
  boundary_free(&boundary);
  shared_drop(reference);
  update_free(&updater);
  params_free(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(earlier_policies), cmocka_unit_test(put_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
