/* Shards: together they are the whole, in order, and their sizes differ by one at most, the first ones being larger. */
#include "learner/shard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void shards_are_the_whole(void **state) {
  (void)state;
  for (int ranks = 1; ranks <= 9; ranks++)
    for (int count = 0; count <= 40; count++) {
      int last = count;
      assert_int_equal(shard_first(count, 0, ranks), 0);
      assert_int_equal(shard_first(count, ranks, ranks), count);
      for (int r = 0; r < ranks; r++) {
        int size = shard_first(count, r + 1, ranks) - shard_first(count, r, ranks);
        assert_in_range(size, count / ranks, (count + ranks - 1) / ranks);
        assert_true(size <= last);
        last = size;
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(shards_are_the_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
