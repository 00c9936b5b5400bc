/* Images: an epoch takes no picture twice, epochs differ, everything follows from seed and iteration. */
#include "learner/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 50, EACH = 8 };
static int32_t split[COUNT];

static void epoch_takes_each_picture_once(void **state) {
  (void)state;
  ImageOrder order;
  images_init(&order, 1, split, COUNT, EACH);
  assert_int_equal(images_iterations_per_epoch(&order), COUNT / EACH);
  int seen[1000] = {0};
  for (int k = 0; k < COUNT / EACH; k++) {
    const int32_t *images = images_iteration(&order, k);
    for (int i = 0; i < EACH; i++) assert_int_equal(seen[images[i]]++, 0);
  }
  images_free(&order);
  images_free(&order);
}

static void iteration_can_be_asked_for_out_of_order(void **state) {
  (void)state;
  ImageOrder order, fresh;
  int32_t first[EACH];
  images_init(&order, 1, split, COUNT, EACH);
  memcpy(first, images_iteration(&order, 20), sizeof first);
  assert_memory_not_equal(images_iteration(&order, 2), first, sizeof first);
  assert_memory_equal(images_iteration(&order, 20), first, sizeof first);
  images_init(&fresh, 2, split, COUNT, EACH);
  assert_memory_not_equal(images_iteration(&fresh, 20), first, sizeof first);
  images_free(&order);
  images_free(&fresh);
}

static void fresh_pictures_are_the_others(void **state) {
  (void)state;
  ImageOrder order;
  int32_t fresh[COUNT - EACH], again[COUNT - EACH];
  images_init(&order, 1, split, COUNT, EACH);
  for (int k = 0; k < 2 * (COUNT / EACH); k++) {
    int seen[1000] = {0};
    images_fresh(&order, k, fresh);
    const int32_t *images = images_iteration(&order, k);
    for (int i = 0; i < EACH; i++) seen[images[i]]++;
    for (int i = 0; i < COUNT - EACH; i++) seen[fresh[i]]++;
    for (int i = 0; i < COUNT; i++) assert_int_equal(seen[split[i]], 1);
  }
  images_fresh(&order, 3, again);
  assert_memory_not_equal(again, fresh, sizeof fresh);
  images_fresh(&order, 2 * (COUNT / EACH) - 1, again);
  assert_memory_equal(again, fresh, sizeof fresh);
  images_free(&order);
}

static void inner_epochs_are_permutations_of_their_own(void **state) {
  (void)state;
  int32_t a[EACH * 4], b[EACH * 4];
  int seen[EACH * 4] = {0};
  images_shuffle(1, 3, 0, a, EACH * 4);
  images_shuffle(1, 3, 1, b, EACH * 4);
  assert_memory_not_equal(a, b, sizeof a);
  images_shuffle(1, 3, 0, b, EACH * 4);
  assert_memory_equal(a, b, sizeof a);
  for (int i = 0; i < EACH * 4; i++) assert_int_equal(seen[a[i]]++, 0);
}

int main(void) {
  for (int i = 0; i < COUNT; i++) split[i] = 7 + 3 * i;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(epoch_takes_each_picture_once),
      cmocka_unit_test(iteration_can_be_asked_for_out_of_order),
      cmocka_unit_test(fresh_pictures_are_the_others),
      cmocka_unit_test(inner_epochs_are_permutations_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
