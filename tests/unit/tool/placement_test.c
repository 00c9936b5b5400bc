/* Placement: Slurm's counts, and where learners, their threads and actors go. */
#include "common/tool/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void counts_as_slurm_writes_them(void **state) {
  (void)state;
  int counts[8];
  assert_int_equal(placement_counts("2(x2),8,1(x3)", counts, 8), 6);
  assert_int_equal(counts[1], 2);
  assert_int_equal(counts[2], 8);
  assert_int_equal(counts[5], 1);
  assert_int_equal(placement_counts("16", counts, 8), 1);
  const char *const wrong[] = {"", "x", "4(x", "4(x2", "4(x9)", "0", "4,,4", "4(x-1)", "4;4", NULL};
  for (int i = 0; wrong[i]; i++) assert_int_equal(placement_counts(wrong[i], counts, 8), 0);
}

/* Nodes with `cores` each (0 ends them) are filled; `wanted`: actors of each. Returns the learner's threads. */
static int filled(const int *cores, PlacementWish wish, const int *wanted) {
  Placement placement = {.place = calloc(8, sizeof(Place))};
  int actors = 0;
  for (; cores[placement.nodes]; placement.nodes++) placement.place[placement.nodes].cores = cores[placement.nodes];
  placement_fill(&placement, &wish);
  for (int i = 0; i < placement.nodes; i++) {
    assert_int_equal(placement.place[i].actors, wanted[i]);
    actors += wanted[i];
  }
  assert_int_equal(placement.actors, actors);
  int threads = placement.learner_threads;
  placement_free(&placement);
  return threads;
}

static void on_one_node(void **state) {
  (void)state;
  const int eight[] = {8, 0}, one[] = {1, 0};
  /* the actors sleep while the learner learns: it has their cores */
  assert_int_equal(filled(eight, (PlacementWish){1, 0, -1, false}, (int[]){7}), 8);
  assert_int_equal(filled(eight, (PlacementWish){2, 0, -1, false}, (int[]){6}), 4);
  /* at once: cores of their own */
  assert_int_equal(filled(eight, (PlacementWish){1, 0, -1, true}, (int[]){7}), 1);
  assert_int_equal(filled(eight, (PlacementWish){1, 3, -1, true}, (int[]){5}), 3);
  assert_int_equal(filled(eight, (PlacementWish){1, 0, 4, true}, (int[]){4}), 4);
  /* more than there are cores */
  assert_int_equal(filled(eight, (PlacementWish){1, 0, 20, true}, (int[]){20}), 1);
  assert_int_equal(filled(one, (PlacementWish){1, 0, -1, true}, (int[]){1}), 1);
  assert_int_equal(filled(eight, (PlacementWish){2, 0, 0, false}, (int[]){0}), 4);
}

static void on_several_nodes(void **state) {
  (void)state;
  const int three[] = {4, 4, 8, 0}, two[] = {4, 8, 0};
  assert_int_equal(filled(three, (PlacementWish){1, 0, -1, false}, (int[]){3, 4, 8}), 4);
  assert_int_equal(filled(three, (PlacementWish){1, 0, 9, false}, (int[]){0, 1, 8}), 4);
  /* at once: the learner's node is its own, unless its threads are counted or there are actors to place */
  assert_int_equal(filled(three, (PlacementWish){1, 0, -1, true}, (int[]){0, 4, 8}), 4);
  assert_int_equal(filled(three, (PlacementWish){1, 3, -1, true}, (int[]){1, 4, 8}), 3);
  assert_int_equal(filled(three, (PlacementWish){1, 0, 14, true}, (int[]){2, 4, 8}), 2);
  assert_int_equal(filled(three, (PlacementWish){1, 0, 17, true}, (int[]){3, 5, 9}), 1);
  /* learners on nodes of their own, and on all nodes */
  assert_int_equal(filled(three, (PlacementWish){2, 0, -1, true}, (int[]){0, 0, 8}), 4);
  assert_int_equal(filled(two, (PlacementWish){2, 0, -1, true}, (int[]){3, 7}), 1);
  assert_int_equal(filled(two, (PlacementWish){3, 0, -1, false}, (int[]){2, 7}), 2);
}

static void gathered(void **state) {
  (void)state;
  Placement placement = {.nodes = 2, .place = calloc(2, sizeof(Place))};
  placement.place[0].cores = placement.place[1].cores = 4;
  placement_fill(&placement, &(PlacementWish){1, 0, -1, false});
  placement_gather(&placement);
  assert_int_equal(placement.nodes, 1);
  assert_int_equal(placement.place[0].learners, 1);
  assert_int_equal(placement.place[0].actors, 7);
  placement_free(&placement);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_as_slurm_writes_them),
      cmocka_unit_test(on_one_node),
      cmocka_unit_test(on_several_nodes),
      cmocka_unit_test(gathered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
