/* Adam and AdamW against torch.optim, clipping against clip_grad_norm_, bits against threads. */
#include "learner/optimizer.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "learner/names.h"
#include "tests/unit/learner/golden.h"

static ParamTable table_from(const json_t *rows) {
  ParamTable table = {0};
  size_t at;
  const json_t *row;
  table.rows = xcalloc(json_array_size(rows), sizeof *table.rows);
  json_array_foreach(rows, at, row) {
    Param *param = &table.rows[table.count++];
    *param = (Param){.rows = (int)number(row, "rows"),
                     .columns = (int)number(row, "columns"),
                     .offset = table.total,
                     .decayed = json_is_true(json_object_get(row, "decayed"))};
    snprintf(param->name, sizeof param->name, "%s", json_string_value(json_object_get(row, "name")));
    param->count = (size_t)param->rows * (size_t)param->columns;
    table.total += (param->count + 15) & ~(size_t)15;
  }
  return table;
}

/* make_optimizer_golden.py: values() */
static void fill(const ParamTable *table, int seed, double scale, float *block) {
  for (int r = 0; r < table->count; r++)
    for (size_t i = 0; i < table->rows[r].count; i++) {
      int64_t n = ((int64_t)i * 7919 + (int64_t)(seed + r) * 104729) % 2003 - 1001;
      block[table->rows[r].offset + i] = (float)((double)n / 1024 * scale);
    }
}

static void check_block(const ParamTable *table, const float *block, const json_t *want, size_t stride,
                        const char *what) {
  for (int r = 0; r < table->count; r++) {
    const Param *row = &table->rows[r];
    size_t step = row->count < 100 ? 1 : stride, k = 0;
    for (size_t i = 0; i < row->count; i += step, k++)
      assert_close(block[row->offset + i], json_number_value(json_array_get(json_array_get(want, (size_t)r), k)), 2e-6,
                   2e-7, what, i);
    assert_true(k == json_array_size(json_array_get(want, (size_t)r)));
  }
}

static OptimizerOptions case_options(const json_t *one) {
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  int kind = names_find(optimizer_names, json_string_value(json_object_get(one, "kind")));
  assert_true(kind >= 0);
  options.kind = (OptimizerKind)kind;
  options.learning_rate = number(one, "learning_rate");
  options.weight_decay = number(one, "weight_decay");
  options.max_grad_norm = number(one, "max_grad_norm");
  options.head_scale = number(one, "head_scale"); /* of the first row: the table's output has offset 0 */
  options.beta1 = number(one, "beta1");
  options.beta2 = number(one, "beta2");
  return options;
}

static void run_case(const ParamTable *table, const json_t *one, int steps, Optimizer *optimizer, float *weights) {
  OptimizerOptions options = case_options(one);
  optimizer_init(optimizer, table, &options);
  float *gradients = params_block(table);
  fill(table, 0, 1, weights);
  for (int s = 0; s < steps; s++) {
    double norm, want = json_number_value(json_array_get(json_object_get(one, "grad_norm"), (size_t)s));
    fill(table, 100 * (s + 1), 1.0 / (1 << s % 3), gradients);
    assert_int_equal(optimizer_step(optimizer, weights, gradients, 1 - s / 8.0, &norm), OK);
    assert_close(norm, want, 1e-5, 0, "norm", s);
    for (size_t i = 0; i < table->total; i++) assert_true(gradients[i] == 0);
  }
  assert_true(optimizer->step == steps);
  free(gradients);
}

static void matches_golden(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "optimizer.json"), *one;
  ParamTable table = table_from(json_object_get(root, "rows"));
  size_t at, stride = (size_t)number(root, "stride");
  float *weights = params_block(&table);
  json_array_foreach(json_object_get(root, "cases"), at, one) {
    Optimizer optimizer;
    run_case(&table, one, (int)number(root, "steps"), &optimizer, weights);
    check_block(&table, weights, json_object_get(one, "weights"), stride, "weights");
    check_block(&table, optimizer.moment1, json_object_get(one, "moment1"), stride, "moment1");
    check_block(&table, optimizer.moment2, json_object_get(one, "moment2"), stride, "moment2");
    optimizer_free(&optimizer);
    optimizer_free(&optimizer);
  }
  assert_true(at == 6);
  free(weights);
  params_free(&table);
  json_decref(root);
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "optimizer.json"), *one = json_array_get(json_object_get(root, "cases"), 2);
  ParamTable table = table_from(json_object_get(root, "rows"));
  float *first = params_block(&table), *weights = params_block(&table);
  for (int threads = 1; threads <= 3; threads++) {
    Optimizer optimizer;
    omp_set_num_threads(threads);
    run_case(&table, one, (int)number(root, "steps"), &optimizer, threads == 1 ? first : weights);
    if (threads > 1) assert_memory_equal(first, weights, table.total * sizeof(float));
    optimizer_free(&optimizer);
  }
  free(first), free(weights);
  params_free(&table);
  json_decref(root);
}

static void gaps_stay_zero(void **state) {
  (void)state;
  json_t *root = golden_read(GOLDEN "optimizer.json"), *one = json_array_get(json_object_get(root, "cases"), 3);
  ParamTable table = table_from(json_object_get(root, "rows"));
  float *weights = params_block(&table);
  Optimizer optimizer;
  run_case(&table, one, 3, &optimizer, weights);
  for (int r = 0; r < table.count; r++) {
    size_t end = r + 1 < table.count ? table.rows[r + 1].offset : table.total;
    for (size_t i = table.rows[r].offset + table.rows[r].count; i < end; i++) assert_true(weights[i] == 0);
  }
  optimizer_free(&optimizer);
  free(weights);
  params_free(&table);
  json_decref(root);
}

static void non_finite_gradient_changes_nothing(void **state) {
  (void)state;
  Param row = {.name = "w", .rows = 3, .columns = 2, .count = 6, .decayed = true};
  ParamTable table = {.rows = &row, .count = 1, .total = 16};
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  Optimizer optimizer;
  optimizer_init(&optimizer, &table, &options);
  float *weights = params_block(&table), *gradients = params_block(&table), zeros[16] = {0}, kept[16] = {1, 2, 3};
  memcpy(weights, kept, sizeof kept);
  const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int b = 0; b < 3; b++) {
    double norm;
    gradients[4] = bad[b];
    assert_int_equal(optimizer_step(&optimizer, weights, gradients, 1, &norm), FAILED);
    assert_false(isfinite(norm));
    assert_non_null(strstr(status_message(), "gradient"));
    assert_memory_equal(weights, kept, sizeof kept);
    assert_memory_equal(optimizer.moment1, zeros, sizeof zeros);
    assert_memory_equal(optimizer.moment2, zeros, sizeof zeros);
    assert_true(optimizer.step == 0);
  }
  gradients[4] = 3e38f; /* its square is no float */
  double norm;
  assert_int_equal(optimizer_step(&optimizer, weights, gradients, 1, &norm), OK);
  assert_close(norm, 3e38, 1e-6, 0, "norm", 0);
  optimizer_free(&optimizer);
  free(weights), free(gradients);
}

/* The parts of the learner's ranks: each block is one's; together they do what one optimizer does, to the bit. */
static void parts_make_the_whole(void **state) {
  (void)state;
  Param rows[] = {{.name = "a", .rows = 300, .columns = 300, .count = 90000, .decayed = true},
                  {.name = "b", .rows = 5, .columns = 1, .offset = 90000, .count = 5},
                  {.name = "c", .rows = 100, .columns = 1000, .offset = 90016, .count = 100000, .decayed = true}};
  ParamTable table = {.rows = rows, .count = 3, .total = 190016, .output = {.weight = 90016, .bias = 90000}};
  OptimizerOptions options = OPTIMIZER_DEFAULTS;
  options.head_scale = 3, options.weight_decay = 0.1, options.learning_rate = 0.01;
  float *weights[2], *gradients[2];
  for (int w = 0; w < 2; w++) weights[w] = params_block(&table), gradients[w] = params_block(&table);
  for (int parts = 1; parts <= 12; parts++) {
    Optimizer whole, part[12];
    optimizer_init(&whole, &table, &options);
    for (int p = 0; p < parts; p++) {
      optimizer_init_part(&part[p], &table, &options, p, parts);
      assert_memory_equal(part[p].start, part[0].start, (size_t)(parts + 1) * sizeof(size_t));
      assert_true(part[p].start[p] <= part[p].start[p + 1]);
      if (parts <= 5) /* blocks are of 32768 floats at most */
        assert_in_range(optimizer_floats(&part[p]), table.total / (size_t)parts - 32768,
                        table.total / (size_t)parts + 32768);
    }
    assert_true(part[0].start[0] == 0 && part[0].start[parts] == table.total);
    for (int step = 0; step < 2; step++) {
      double norm, squares = 0;
      for (int w = 0; w < 2; w++) fill(&table, 7 + step, 1, gradients[w]);
      assert_int_equal(optimizer_step(&whole, weights[0], gradients[0], 0.5, &norm), OK);
      for (int p = 0; p < parts; p++) squares += optimizer_squares(&part[p], gradients[1]);
      assert_close(sqrt(squares), norm, 1e-9, 0, "norm", parts);
      for (int p = 0; p < parts; p++)
        assert_int_equal(optimizer_apply(&part[p], weights[1], gradients[1], 0.5, norm), OK);
      for (int p = 0; p < parts; p++)
        assert_memory_equal(part[p].moment2, whole.moment2 + part[p].start[p],
                            optimizer_floats(&part[p]) * sizeof(float));
    }
    assert_memory_equal(weights[0], weights[1], table.total * sizeof(float));
    assert_memory_equal(gradients[0], gradients[1], table.total * sizeof(float));
    optimizer_free(&whole);
    for (int p = 0; p < parts; p++) optimizer_free(&part[p]);
  }
  for (int w = 0; w < 2; w++) free(weights[w]), free(gradients[w]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_golden),       cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(gaps_stay_zero),       cmocka_unit_test(non_finite_gradient_changes_nothing),
      cmocka_unit_test(parts_make_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
