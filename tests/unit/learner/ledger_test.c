/* The ledger: order, loss, lateness, duplicates; then thousands of random operations against its invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/base/rng.h"
#include "learner/ledger.h"

static void open_images(Ledger *ledger, Work work, int64_t iteration, int images, int chunk) {
  int32_t image[512];
  for (int i = 0; i < images; i++) image[i] = 1000 + i;
  ledger_open(ledger, work, iteration, iteration, VERSION_NONE, image, images, chunk);
}

static Result answer(const Assignment *a) {
  Result result;
  result_init(&result, a->images, 0, 0, 0, false, false);
  result_name(&result, a);
  return result;
}

static LedgerAnswer give_back(Ledger *ledger, int actor, double now, const Assignment *a) {
  Result result = answer(a);
  LedgerAnswer got = ledger_return(ledger, actor, now, &result);
  assert_null(result.block);
  return got;
}

/* Chunks added to an iteration whose others were taken: handed out before later iterations, of the same versions. */
static void test_extend(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a;
  const int32_t more[5] = {50, 51, 52, 53, 54};
  const Result *taken[2];
  ledger_init(&ledger, 0, 0);
  open_images(&ledger, WORK_ROLLOUT, 4, 4, 4);
  open_images(&ledger, WORK_ROLLOUT, 5, 4, 4);
  assert_true(ledger_next(&ledger, 1, 0, &a));
  assert_int_equal(give_back(&ledger, 1, 0, &a), LEDGER_ACCEPTED);
  ledger_take(&ledger, WORK_ROLLOUT, 4, 1, taken);
  ledger_extend(&ledger, WORK_ROLLOUT, 4, more, 5, 4);
  ledger_check(&ledger);
  assert_int_equal(ledger_chunks(&ledger, WORK_ROLLOUT, 4), 3);
  for (int c = 1; c < 3; c++) {
    assert_true(ledger_next(&ledger, 1, 0, &a));
    assert_true(a.iteration == 4 && a.chunk == c && a.policy_version == 4 && a.images == (c == 1 ? 4 : 1));
    assert_int_equal(a.image[0], c == 1 ? 50 : 54);
    assert_int_equal(give_back(&ledger, 1, 0, &a), LEDGER_ACCEPTED);
  }
  ledger_take(&ledger, WORK_ROLLOUT, 4, 2, taken);
  assert_true(taken[0]->chunk == 1 && taken[1]->chunk == 2);
  assert_int_equal(ledger_result(&ledger, WORK_ROLLOUT, 4, 0)->image[0], 1000);
  ledger_release(&ledger, WORK_ROLLOUT);
  assert_int_equal(ledger_chunks(&ledger, WORK_ROLLOUT, 4), 0);
  ledger_check(&ledger);
  ledger_free(&ledger);
}

static void test_order(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a[6];
  ledger_init(&ledger, 0, 0);
  open_images(&ledger, WORK_ROLLOUT, 5, 8, 4);
  open_images(&ledger, WORK_EVALUATE, 4, 3, 4);
  open_images(&ledger, WORK_ROLLOUT, 4, 10, 4);
  ledger_check(&ledger);
  assert_int_equal(ledger_chunks(&ledger, WORK_ROLLOUT, 4), 3);
  for (int n = 0; n < 6; n++) assert_true(ledger_next(&ledger, 1 + n % 2, 0, &a[n]));
  Assignment none;
  assert_false(ledger_next(&ledger, 1, 0, &none));
  for (int n = 0; n < 6; n++) {
    const int64_t iteration[6] = {4, 4, 4, 4, 5, 5};
    const int chunk[6] = {0, 1, 2, 0, 0, 1}, images[6] = {4, 4, 2, 3, 4, 4};
    assert_true(a[n].iteration == iteration[n] && a[n].chunk == chunk[n] && a[n].images == images[n]);
    assert_true(a[n].work == (n == 3 ? WORK_EVALUATE : WORK_ROLLOUT));
    assert_int_equal(a[n].image[0], 1000 + 4 * chunk[n]);
  }
  assert_int_equal(give_back(&ledger, 1, 1, &a[2]), LEDGER_ACCEPTED);
  assert_int_equal(give_back(&ledger, 1, 1, &a[0]), LEDGER_ACCEPTED);
  assert_false(ledger_complete(&ledger, WORK_ROLLOUT, 4));
  assert_null(ledger_result(&ledger, WORK_ROLLOUT, 4, 1));
  assert_int_equal(give_back(&ledger, 2, 1, &a[1]), LEDGER_ACCEPTED);
  assert_true(ledger_complete(&ledger, WORK_ROLLOUT, 4));
  for (int c = 0; c < 3; c++) assert_int_equal(ledger_result(&ledger, WORK_ROLLOUT, 4, c)->chunk, c);
  ledger_close(&ledger, WORK_ROLLOUT, 4);
  assert_false(ledger_complete(&ledger, WORK_ROLLOUT, 4));
  assert_int_equal(give_back(&ledger, 2, 1, &a[1]), LEDGER_UNKNOWN);
  ledger_check(&ledger);
  ledger_free(&ledger);
  ledger_free(&ledger);
}

static void test_loss(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a, b, again;
  ledger_init(&ledger, 0, 0);
  open_images(&ledger, WORK_ROLLOUT, 0, 8, 4);
  assert_true(ledger_next(&ledger, 1, 0, &a) && ledger_next(&ledger, 2, 0, &b));
  assert_int_equal(ledger_lost(&ledger, 3), 0);
  assert_int_equal(ledger_lost(&ledger, 1), 1);
  ledger_check(&ledger);
  assert_true(ledger_next(&ledger, 2, 0, &again));
  assert_int_equal(again.chunk, a.chunk);
  /* the lost actor's result still counts: it is the same whoever made it */
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_ACCEPTED);
  assert_int_equal(give_back(&ledger, 2, 1, &again), LEDGER_DUPLICATE);
  assert_int_equal(give_back(&ledger, 2, 1, &b), LEDGER_ACCEPTED);
  assert_int_equal(ledger_lost(&ledger, 2), 0);
  assert_true(ledger_complete(&ledger, WORK_ROLLOUT, 0));
  assert_true(ledger.reassigned == 1 && ledger.duplicates == 1);
  ledger_free(&ledger);
}

static void test_late(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a, b, again, none;
  ledger_init(&ledger, 10, 4);
  open_images(&ledger, WORK_ROLLOUT, 0, 8, 4);
  assert_true(ledger_next(&ledger, 1, 0, &a) && ledger_next(&ledger, 2, 1, &b));
  assert_false(ledger_next(&ledger, 2, 10, &none));
  assert_false(ledger_next(&ledger, 1, 10.5, &none)); /* its own is late, the other's not yet */
  assert_true(ledger_next(&ledger, 3, 12, &again));   /* the one held longest */
  assert_int_equal(again.chunk, a.chunk);
  assert_int_equal(ledger_lost(&ledger, 1), 0);                      /* the second holder still has it */
  assert_int_equal(give_back(&ledger, 2, 101, &b), LEDGER_ACCEPTED); /* it took 100 s: late is now 400 s */
  assert_false(ledger_next(&ledger, 2, 300, &none));
  assert_true(ledger_next(&ledger, 2, 500, &again));
  assert_int_equal(give_back(&ledger, 3, 501, &a), LEDGER_ACCEPTED);
  assert_int_equal(give_back(&ledger, 2, 502, &again), LEDGER_DUPLICATE);
  ledger_check(&ledger);
  ledger_free(&ledger);
}

static void test_versions(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a;
  ledger_init(&ledger, 0, 0);
  open_images(&ledger, WORK_ROLLOUT, 3, 4, 4);
  assert_true(ledger_next(&ledger, 1, 0, &a));
  a.policy_version = 2;
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_UNKNOWN);
  a.policy_version = 3;
  a.chunk = 1;
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_UNKNOWN);
  a.chunk = 0;
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_ACCEPTED);
  ledger_free(&ledger);
}

static void open_floating(Ledger *ledger, int64_t iteration, int images) {
  int32_t image[64] = {0};
  ledger_open(ledger, WORK_ROLLOUT, iteration, VERSION_NONE, VERSION_NONE, image, images, 4);
}

static void test_take(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a[4];
  const Result *took[3];
  ledger_init(&ledger, 0, 0);
  open_images(&ledger, WORK_ROLLOUT, 0, 8, 4);
  open_images(&ledger, WORK_ROLLOUT, 1, 8, 4);
  for (int n = 0; n < 4; n++) assert_true(ledger_next(&ledger, 1, 0, &a[n]));
  for (int n = 3; n >= 1; n--) assert_int_equal(give_back(&ledger, 1, 1, &a[n]), LEDGER_ACCEPTED);
  assert_true(ledger_ready(&ledger, WORK_ROLLOUT, 0) == 1 && ledger_ready(&ledger, WORK_ROLLOUT, 1) == 3);
  assert_int_equal(ledger_ready(&ledger, WORK_EVALUATE, 1), 0);
  ledger_take(&ledger, WORK_ROLLOUT, 1, 2, took);
  assert_true(took[0]->iteration == 0 && took[0]->chunk == 1 && took[1]->iteration == 1 && took[1]->chunk == 0);
  assert_int_equal(ledger_ready(&ledger, WORK_ROLLOUT, 1), 1);
  assert_int_equal(give_back(&ledger, 1, 1, &a[1]), LEDGER_DUPLICATE);
  ledger_check(&ledger);
  ledger_release(&ledger, WORK_ROLLOUT); /* both iterations have a chunk left */
  assert_true(ledger_chunks(&ledger, WORK_ROLLOUT, 0) == 2 && ledger_chunks(&ledger, WORK_ROLLOUT, 1) == 2);
  assert_int_equal(give_back(&ledger, 1, 1, &a[1]), LEDGER_DUPLICATE);
  assert_int_equal(give_back(&ledger, 1, 1, &a[0]), LEDGER_ACCEPTED);
  ledger_take(&ledger, WORK_ROLLOUT, 0, 1, took);
  ledger_release(&ledger, WORK_ROLLOUT);
  assert_true(ledger_chunks(&ledger, WORK_ROLLOUT, 0) == 0 && ledger_ready(&ledger, WORK_ROLLOUT, 1) == 1);
  assert_int_equal(give_back(&ledger, 1, 1, &a[0]), LEDGER_UNKNOWN);
  ledger_check(&ledger);
  ledger_free(&ledger);
}

static void test_floating(void **state) {
  (void)state;
  Ledger ledger;
  Assignment a, b, c, again;
  ledger_init(&ledger, 0, 0);
  open_floating(&ledger, 0, 16);
  ledger_renew(&ledger, -1, 0, 7);
  assert_true(ledger_next(&ledger, 1, 0, &a) && ledger_next(&ledger, 2, 0, &b));
  assert_true(a.policy_version == 0 && a.reference_version == 7);
  assert_int_equal(give_back(&ledger, 2, 1, &b), LEDGER_ACCEPTED);
  ledger_renew(&ledger, 0, 1, 8);
  assert_true(ledger_next(&ledger, 1, 0, &c) && c.policy_version == 1 && c.reference_version == 8);
  ledger_renew(&ledger, 1, 2, 8); /* chunk 0 is out and chunk 1 is back with version 0: too old */
  assert_int_equal(ledger.dropped, 2);
  assert_int_equal(ledger_ready(&ledger, WORK_ROLLOUT, 0), 0);
  ledger_check(&ledger);
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_UNKNOWN); /* nobody has it again yet */
  assert_true(ledger_next(&ledger, 1, 0, &again) && again.chunk == 0 && again.policy_version == 2);
  assert_int_equal(give_back(&ledger, 1, 1, &a), LEDGER_UNKNOWN);
  assert_int_equal(give_back(&ledger, 1, 1, &again), LEDGER_ACCEPTED);
  assert_int_equal(give_back(&ledger, 1, 1, &c), LEDGER_ACCEPTED);
  const Result *took[1];
  ledger_take(&ledger, WORK_ROLLOUT, 0, 1, took);
  ledger_renew(&ledger, 3, 3, 8); /* what was taken stays */
  assert_true(took[0]->policy_version == 2 && ledger.dropped == 3);
  ledger_check(&ledger);
  ledger_free(&ledger);
}

/* Five actors that take, return, die and dawdle at random; up to three iterations open. */
static void random_run(uint32_t seed) {
  enum { ACTORS = 6, HANDS = 4 };
  Ledger ledger;
  Assignment hand[ACTORS][HANDS];
  int held[ACTORS] = {0}, finished = 0;
  int64_t first = 0, next = 0;
  ledger_init(&ledger, 5, 2);
  for (uint32_t n = 0; n < 3000; n++) {
    RngKey key = {seed, RNG_TEST, n, 0, 0, 0};
    uint32_t word[4];
    rng_words(&key, word);
    int actor = 1 + (int)(word[1] % (ACTORS - 1)), *count = &held[actor];
    double now = n * 0.05;
    Assignment a;
    if (next < first + 3 && word[0] % 8 == 0) {
      open_images(&ledger, WORK_ROLLOUT, next++, 1 + (int)(word[2] % 60), 1 + (int)(word[3] % 8));
    } else if (word[0] % 50 == 1) {
      ledger_lost(&ledger, actor);
      if (word[2] % 2) *count = 0; /* dead; else it only seemed so, and its results still come */
    } else if (word[0] % 3 && *count < HANDS) {
      if (ledger_next(&ledger, actor, now, &a)) hand[actor][(*count)++] = a;
    } else if (*count) {
      a = hand[actor][--*count];
      give_back(&ledger, actor, now, &a);
    }
    while (ledger_complete(&ledger, WORK_ROLLOUT, first)) {
      for (int c = 0; c < ledger_chunks(&ledger, WORK_ROLLOUT, first); c++) {
        const Result *r = ledger_result(&ledger, WORK_ROLLOUT, first, c);
        assert_true(r->chunk == c && r->iteration == first);
      }
      ledger_close(&ledger, WORK_ROLLOUT, first++);
      finished++;
    }
    ledger_check(&ledger);
  }
  assert_true(finished > 20);
  /* one healthy actor is enough to finish what is open */
  for (int actor = 1; actor < ACTORS; actor++) ledger_lost(&ledger, actor);
  Assignment a;
  while (ledger_next(&ledger, 1, 1e6, &a)) assert_int_equal(give_back(&ledger, 1, 1e6, &a), LEDGER_ACCEPTED);
  for (; first < next; first++) assert_true(ledger_complete(&ledger, WORK_ROLLOUT, first));
  ledger_free(&ledger);
}

static void test_random(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 30; seed++) random_run(seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_take),     cmocka_unit_test(test_floating), cmocka_unit_test(test_extend),
      cmocka_unit_test(test_order),    cmocka_unit_test(test_loss),     cmocka_unit_test(test_late),
      cmocka_unit_test(test_versions), cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
