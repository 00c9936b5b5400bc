/* Pulse: nothing when it is not set, and at most as often as was said. */
#include "common/base/pulse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"

static void count(void *context) { ++*(int *)context; }

static void no_more_often_than_said(void **state) {
  (void)state;
  int calls = 0;
  pulse(); /* none is set */
  pulse_set(count, &calls, 3600);
  for (int i = 0; i < 100; i++) pulse();
  assert_int_equal(calls, 1);
  pulse_set(count, &calls, 1e-3);
  pulse();
  clock_sleep(2e-3);
  pulse();
  assert_int_equal(calls, 3);
  pulse_set(NULL, NULL, 0);
  clock_sleep(2e-3);
  pulse();
  assert_int_equal(calls, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_more_often_than_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
