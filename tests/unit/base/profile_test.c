/* Profile: off counts nothing, inner events are taken off outer ones, tables name the slowest rank. */
#include "common/base/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"

static void off_counts_nothing(void **state) {
  (void)state;
  ProfileTotals totals;
  profile_enable(0);
  ProfileBegin began = profile_begin();
  profile_end(PROFILE_DECODE, began, 100);
  profile_totals(&totals);
  assert_true(!profile_enabled() && totals.event[PROFILE_DECODE].calls == 0 && totals.event[PROFILE_DECODE].flops == 0);
}

static void inner_events_count_once(void **state) {
  (void)state;
  ProfileTotals totals;
  profile_enable(1);
  ProfileBegin outer = profile_begin();
  clock_sleep(0.02);
  for (int i = 0; i < 3; i++) {
    ProfileBegin inner = profile_begin();
    clock_sleep(0.02);
    profile_end(PROFILE_SEND, inner, 0);
  }
  profile_end(PROFILE_IDLE, outer, 5e9);
  profile_totals(&totals);
  double idle = totals.event[PROFILE_IDLE].seconds, send = totals.event[PROFILE_SEND].seconds;
  assert_true(totals.event[PROFILE_SEND].calls == 3 && totals.event[PROFILE_IDLE].calls == 1);
  assert_true(send >= 0.06 && idle >= 0.02);
  assert_true(idle + send <= totals.wall_s); /* with the inner time counted twice it would be more */
  assert_true(totals.event[PROFILE_IDLE].flops == 5e9);
}

/* What profile_print writes to stderr. */
static void printed(char *text, size_t size) {
  FILE *file = tmpfile();
  int kept = dup(STDERR_FILENO);
  fflush(stderr);
  dup2(fileno(file), STDERR_FILENO);
  profile_print();
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  rewind(file);
  text[fread(text, 1, size - 1, file)] = 0;
  fclose(file);
}

static void tables_name_slowest_and_fastest(void **state) {
  (void)state;
  char text[4096];
  profile_enable(1);
  ProfileTotals totals = {.wall_s = 10};
  for (int rank = 1; rank <= 3; rank++) {
    totals.event[PROFILE_DECODE].calls = 2;
    totals.event[PROFILE_DECODE].seconds = rank == 2 ? 8 : rank;
    totals.event[PROFILE_DECODE].flops = 8e9;
    profile_hear(PROFILE_ACTORS, rank, &totals);
  }
  profile_hear(PROFILE_ACTORS, 3, &totals); /* said again: counts once */
  printed(text, sizeof text);
  const char *row = strstr(text, "decode");
  assert_non_null(row);
  double calls, seconds, share, rate, slow, fast;
  int slow_rank, fast_rank;
  assert_int_equal(sscanf(row, "decode %lf %lf %lf%% %lf %lf (%d) %lf (%d)", &calls, &seconds, &share, &rate, &slow,
                          &slow_rank, &fast, &fast_rank),
                   8);
  assert_true(calls == 6 && seconds == 4 && share == 40 && rate == 2); /* 24 GFLOP in 12 s */
  assert_true(slow == 8 && slow_rank == 2 && fast == 1 && fast_rank == 1);
  profile_free();
  printed(text, sizeof text);
  assert_null(strstr(text, "decode"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(off_counts_nothing),
      cmocka_unit_test(inner_events_count_once),
      cmocka_unit_test(tables_name_slowest_and_fastest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
