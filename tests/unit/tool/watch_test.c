/* Watch: sparklines, frames of runs in all states, and what is no number. */
#include "common/tool/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sparkline_is(const char *values, int width, bool unicode, const char *wanted) {
  json_t *list = json_loads(values, 0, NULL);
  assert_non_null(list);
  char *line = watch_sparkline(list, width, unicode);
  assert_string_equal(line, wanted);
  free(line);
  json_decref(list);
}

static void sparklines(void **state) {
  (void)state;
  sparkline_is("[0, 1, 2, 3, 4, 5, 6, 7]", 8, true, "▁▂▃▄▅▆▇█");
  sparkline_is("[0, 1, 2, 3, 4, 5, 6, 7]", 20, false, "_.:-=+*#");
  sparkline_is("[0, 0, null, 7, 7]", 2, false, "_#");
  sparkline_is("[5, 5, 5]", 8, false, "___");
  sparkline_is("[null]", 8, false, "");
  sparkline_is("[1, 2]", 0, false, "");
}

static json_t *run_make(const char *phase) {
  return json_pack("{s:s, s:{s:s, s:i, s:i, s:{s:i, s:i}}, s:{s:[i,i], s:[f,n], s:[f,f], s:[f,f], s:[f,f], s:[n,n]}}",
                   "name", "demo/train", "status", "phase", phase, "iteration", 2, "iterations", 8, "ranks", "alive", 3,
                   "lost", 1, "metrics", "iteration", 1, 2, "reward", 0.5, "step_time", 2.0, 4.0, "learner/idle_frac",
                   0.5, 0.25, "broadcast/seconds", 0.1, 0.4, "kl");
}

static void frame_tells_all(void **state) {
  (void)state;
  json_t *run = run_make("running");
  assert_non_null(run);
  WatchStyle style = {.columns = 80};
  char *frame = watch_frame(run, &style);
  for (const char *const *word =
           (const char *const[]){"demo/train  running\n", "##########", "2/8  25 %  ETA 0:18", "reward",
                                 "3 alive, 1 lost", "busy 65 %, waiting 25 %, transfer 10 %", NULL};
       *word; word++)
    if (!strstr(frame, *word)) fail_msg("no '%s' in:\n%s", *word, frame);
  assert_null(strstr(frame, "\033"));
  assert_null(strstr(frame, "nan"));
  assert_null(strstr(frame, "KL")); /* never a number */
  free(frame);
  style.silence = 95, style.color = true;
  frame = watch_frame(run, &style);
  assert_non_null(strstr(frame, "silent for 1:35"));
  assert_non_null(strstr(frame, "\033[31m1 lost"));
  free(frame);
  char *line = watch_line(run);
  assert_string_equal(line, "running  iteration 2/8  reward 0.5000  ETA 0:18");
  free(line);
  assert_false(watch_ended(run));
  json_decref(run);
}

static void a_run_without_anything(void **state) {
  (void)state;
  json_t *run = json_pack("{s:n, s:n}", "status", "metrics");
  WatchStyle style = {.columns = 3, .unicode = true};
  char *frame = watch_frame(run, &style), *line = watch_line(run);
  assert_non_null(strstr(frame, "not begun"));
  assert_string_equal(line, "not begun");
  assert_true(watch_done(run) == 0);
  assert_string_equal(watch_phase(run), "");
  free(frame), free(line);
  json_decref(run);
}

static void ends(void **state) {
  (void)state;
  static const char *const phases[] = {"finished", "stopped", "failed"};
  for (int i = 0; i < 3; i++) {
    json_t *run = run_make(phases[i]);
    assert_true(watch_ended(run));
    json_decref(run);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sparklines), cmocka_unit_test(frame_tells_all),
                                     cmocka_unit_test(a_run_without_anything), cmocka_unit_test(ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
