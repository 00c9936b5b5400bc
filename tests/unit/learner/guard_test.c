/* The guard against collapse: which signs, when, and how often. */
#include "learner/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { NONE = 0 };

static Guard guard_new(void) { return (Guard){.options = {.kl = 1, .entropy = 0.25, .length = 0.3}}; }

static void test_signs(void **state) {
  (void)state;
  Guard guard = guard_new();
  assert_int_equal(guard_take(&guard, 1, 0, 2, 10), NONE);
  assert_int_equal(guard_take(&guard, 2, 0.9, 0.6, 7.1), NONE);
  assert_int_equal(guard_take(&guard, 3, 1.1, 2, 10), GUARD_KL);
  assert_int_equal(guard_take(&guard, 4, 0, 0.4, 10), GUARD_ENTROPY);
  assert_int_equal(guard_take(&guard, 5, 0, 2, 6.9), GUARD_LENGTH);
  assert_int_equal(guard_take(&guard, 6, 0, 2, 10), NONE);
  assert_int_equal(guard_take(&guard, 7, 0, 2, 13.1), GUARD_LENGTH);          /* longer, too */
  assert_int_equal(guard_take(&guard, 8, 9, 0, 0), GUARD_KL | GUARD_ENTROPY); /* the length was said */
}

static void test_once_and_again(void **state) {
  (void)state;
  Guard guard = guard_new();
  guard_take(&guard, 1, 0, 2, 10);
  assert_int_equal(guard_take(&guard, 2, 2, 2, 10), GUARD_KL);
  assert_int_equal(guard_take(&guard, 3, 3, 2, 10), NONE);
  assert_int_equal(guard_take(&guard, 4, 0, 2, 10), NONE);
  assert_int_equal(guard_take(&guard, 5, 2, 2, 10), GUARD_KL);
}

/* After a resume the first iteration that is seen is the measure. */
static void test_first_seen(void **state) {
  (void)state;
  Guard guard = guard_new();
  assert_int_equal(guard_take(&guard, 41, 0, 0.1, 5), NONE);
  assert_int_equal(guard_take(&guard, 42, 0, 0.03, 5), NONE);
  assert_int_equal(guard_take(&guard, 43, 0, 0.02, 5), GUARD_ENTROPY);
}

static void test_off_and_not_finite(void **state) {
  (void)state;
  Guard off = {0}, guard = guard_new();
  guard_take(&off, 1, 0, 2, 10);
  assert_int_equal(guard_take(&off, 2, 99, 0, 0), NONE);
  guard_take(&guard, 1, NAN, 2, 10);
  assert_int_equal(guard_take(&guard, 2, NAN, NAN, NAN), NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_signs),
      cmocka_unit_test(test_once_and_again),
      cmocka_unit_test(test_first_seen),
      cmocka_unit_test(test_off_and_not_finite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
