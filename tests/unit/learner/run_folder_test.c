/* Run folder: one learner at a time, resume from the newest checkpoint that verifies, lines rewound, old ones removed. */
#include "learner/run_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/h5.h"
#include "tests/unit/test_folder.h"

static Config config;
static ParamTable table;
static float *weights;
static char *tokens[5];
static double best_so_far = NAN;
static int best_at = -1;

static int set_up(void **state) {
  if (folder_make(state)) return -1;
  config_init(&config);
  char *set = xasprintf("run.dir=%s/run", folder);
  CHECK(config_set(&config, set) == OK && config_set(&config, "checkpoint.keep=2") == OK);
  free(set);
  ModelShape shape = {.vocabulary = 5,
                      .width = 4,
                      .heads = 2,
                      .feed_forward = 4,
                      .decoder_layers = 1,
                      .cells = 2,
                      .features = 3,
                      .positions = 4};
  CHECK(params_init(&table, &shape) == OK);
  weights = params_block(&table);
  params_initialise(&table, 1, weights);
  static char word[] = "word";
  for (int v = 0; v < 5; v++) tokens[v] = word;
  return 0;
}

static int tear_down(void **state) {
  free(weights);
  params_free(&table);
  config_free(&config);
  return folder_remove(state);
}

static void save(RunFolder *run, int iteration, bool best) {
  Checkpoint checkpoint = {.shape = table.shape,
                           .stage = "train",
                           .iteration = iteration,
                           .best = best_so_far,
                           .best_iteration = best_at,
                           .weights = weights,
                           .reference = weights,
                           .moment1 = weights,
                           .moment2 = weights,
                           .config = (char[]){""},
                           .token = tokens};
  assert_int_equal(run_checkpoint(run, &checkpoint, &table, best), OK);
}

static bool has(const RunFolder *run, const char *name) {
  char *path = path_join(run->checkpoints, name);
  bool found = file_exists(path);
  free(path);
  return found;
}

static int64_t resumed(const RunFolder *run) {
  Checkpoint checkpoint = {0};
  ParamTable found_table = {0};
  bool found;
  assert_int_equal(run_resume(run, &checkpoint, &found_table, &found), OK);
  int64_t iteration = found ? checkpoint.iteration : -1;
  checkpoint_free(&checkpoint);
  params_free(&found_table);
  return iteration;
}

static void one_learner_at_a_time(void **state) {
  (void)state;
  RunFolder run, second;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  assert_int_equal(run_open(&second, &config, "train"), BAD_INPUT);
  assert_non_null(strstr(status_message(), "another learner"));
  assert_int_equal(second.lock, -1); /* or its failure would be written into the first one's status.json */
  run_close(&second);
  run_close(&run);
  assert_int_equal(run_open(&run, &config, "train"), OK);
  run_close(&run);
}

static void newest_whole_checkpoint_resumes(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  assert_int_equal(resumed(&run), -1);
  save(&run, 1, true);
  save(&run, 2, false);
  save(&run, 3, false);
  assert_false(has(&run, "000001.h5")); /* keep = 2 */
  assert_true(has(&run, "000002.h5") && has(&run, "000003.h5") && has(&run, "best.h5") && has(&run, "latest"));
  assert_int_equal(resumed(&run), 3);
  char *newest = path_join(run.checkpoints, "000003.h5");
  assert_int_equal(truncate(newest, 3000), 0);
  assert_int_equal(resumed(&run), 2);
  assert_true(has(&run, "000003.h5.broken") && !has(&run, "000003.h5"));
  free(newest);
  run_close(&run);
  assert_int_equal(config_set(&config, "run.resume=never"), OK);
  assert_int_equal(run_open(&run, &config, "train"), BAD_INPUT);
  assert_non_null(strstr(status_message(), "run.resume is never"));
  run_close(&run);
}

/* One that a newer program wrote is neither set aside nor gone behind. */
static void newer_checkpoint_is_refused(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  save(&run, 1, true);
  char *newer = path_join(run.checkpoints, "000002.h5");
  H5File file;
  assert_int_equal(h5_create(&file, newer, newer), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-checkpoint"), OK);
  assert_int_equal(h5_write_integer(&file, "/", "format_version", CHECKPOINT_VERSION + 1), OK);
  assert_int_equal(h5_close(&file), OK);
  Checkpoint checkpoint = {0};
  ParamTable found_table = {0};
  bool found;
  assert_int_equal(run_resume(&run, &checkpoint, &found_table, &found), BAD_INPUT);
  assert_false(found);
  assert_non_null(strstr(status_message(), "a newer troupe wrote it"));
  assert_true(has(&run, "000002.h5") && !has(&run, "000002.h5.broken"));
  free(newer);
  run_close(&run);
}

static void broken_checkpoint_does_not_push_whole_ones_out(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(config_set(&config, "checkpoint.keep=1"), OK);
  assert_int_equal(run_open(&run, &config, "train"), OK);
  run.keep = 2;
  save(&run, 10, false);
  save(&run, 20, false);
  run.keep = 1;
  char *newest = path_join(run.checkpoints, "000020.h5");
  assert_int_equal(truncate(newest, 3000), 0);
  assert_int_equal(resumed(&run), 10);
  save(&run, 15, false); /* stopped between two regular checkpoints */
  assert_int_equal(resumed(&run), 15);
  free(newest);
  run_close(&run);
}

static int64_t best_iteration(const RunFolder *run) {
  Checkpoint checkpoint = {0};
  ParamTable found_table = {0};
  char *path = path_join(run->checkpoints, "best.h5");
  int64_t iteration = checkpoint_load(&checkpoint, &found_table, path, 1) == OK ? checkpoint.iteration : -1;
  checkpoint_free(&checkpoint);
  params_free(&found_table);
  free(path);
  return iteration;
}

/* As a learner killed between writing checkpoint 2, the best one, and linking best.h5 leaves it. */
static void best_is_put_right(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  best_so_far = 0.3, best_at = 1;
  save(&run, 1, true);
  best_so_far = 0.4, best_at = 2;
  save(&run, 2, false);
  assert_int_equal(best_iteration(&run), 1);
  assert_int_equal(resumed(&run), 2);
  assert_int_equal(best_iteration(&run), 2);
  save(&run, 3, false); /* not better: best.h5 stays */
  assert_int_equal(resumed(&run), 3);
  assert_int_equal(best_iteration(&run), 2);
  assert_int_equal(run_best(&run, 3), OK); /* evaluated after it was written: what checkpoint 4 says is of no use yet */
  save(&run, 4, false);
  assert_int_equal(resumed(&run), 4);
  assert_int_equal(best_iteration(&run), 3);
  best_so_far = NAN, best_at = -1;
  run_close(&run);
}

static void half_written_checkpoints_are_cleared(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  save(&run, 1, false);
  char *half = path_join(run.checkpoints, "000002.h5.tmp.123");
  assert_int_equal(file_append_line(half, "half"), OK);
  run_close(&run);
  assert_int_equal(run_open(&run, &config, "train"), OK);
  assert_false(file_exists(half));
  assert_true(has(&run, "000001.h5"));
  free(half);
  run_close(&run);
}

static void lines_past_the_checkpoint_go(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  char *path = path_join(run.path, "metrics.jsonl"), *text;
  size_t size;
  const char *lines =
      "{\"iteration\":1}\n{\"iteration\":2}\n{\"iteration\":2,\"eval/CIDEr\":0.5}\n{\"iteration\":3}\n{\"iterat";
  assert_int_equal(file_write_atomic(path, lines, strlen(lines)), OK);
  assert_int_equal(run_rewind(&run, 2), OK);
  assert_int_equal(file_read(path, 0, &text, &size), OK);
  assert_string_equal(text, "{\"iteration\":1}\n{\"iteration\":2}\n");
  free(text);
  assert_int_equal(run_rewind(&run, -1), OK); /* no checkpoint was found: all will be written again */
  assert_int_equal(file_read(path, 0, &text, &size), OK);
  assert_int_equal(size, 0);
  free(text);
  free(path);
  run_close(&run);
}

static void status_says_how_it_stands(void **state) {
  (void)state;
  RunFolder run;
  assert_int_equal(run_open(&run, &config, "train"), OK);
  RunStatus status = {.phase = "failed", .iteration = 4, .iterations = 9, .exit = 1, .lost = 2, .message = "no actors"};
  assert_int_equal(run_status(&run, &status), OK);
  char *path = path_join(run.path, "status.json");
  json_t *root;
  assert_int_equal(json_read(path, &root), OK);
  assert_string_equal(json_string_value(json_object_get(root, "phase")), "failed");
  assert_int_equal(json_integer_value(json_object_get(root, "exit")), 1);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "ranks"), "lost")), 2);
  assert_true(json_real_value(json_object_get(root, "time")) > 1.7e9);
  json_decref(root);
  free(path);
  run_close(&run);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_learner_at_a_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(newest_whole_checkpoint_resumes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(newer_checkpoint_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(broken_checkpoint_does_not_push_whole_ones_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(best_is_put_right, set_up, tear_down),
      cmocka_unit_test_setup_teardown(half_written_checkpoints_are_cleared, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lines_past_the_checkpoint_go, set_up, tear_down),
      cmocka_unit_test_setup_teardown(status_says_how_it_stands, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
