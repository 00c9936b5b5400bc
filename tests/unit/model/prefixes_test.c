/* Prefixes: the rows of captions that begin alike, and rows to tokens and back in place. */
#include "common/model/prefixes.h"

#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IMAGES = 3, CAPTIONS = 6, TOKENS = 15, ROWS = 9, WIDTH = 40 };
static const int32_t INPUT[TOKENS] = {1, 5, 6, 1, 5, 7, 8, 1, 5, 6, 9, 1, 1, 5, 6};
static const int32_t CAPTION[CAPTIONS + 1] = {0, 3, 7, 11, 12, 12, 15}, IMAGE[IMAGES + 1] = {0, 4, 4, 6};
static const CaptionBatch BATCH = {.images = IMAGES,
                                   .captions = CAPTIONS,
                                   .tokens = TOKENS,
                                   .image_start = IMAGE,
                                   .caption_start = CAPTION,
                                   .input = INPUT};

typedef struct Found {
  Arena arena;
  Prefixes prefixes;
} Found;

static void found_init(Found *found, bool share) {
  arena_init(&found->arena, 1 << 16);
  prefixes_take(&found->prefixes, &found->arena, IMAGES, TOKENS);
  prefixes_find(&found->prefixes, &BATCH, share);
}

static void captions_share_what_they_begin_with(void **state) {
  (void)state;
  Found found;
  found_init(&found, true);
  const Prefixes *p = &found.prefixes;
  const int32_t row[TOKENS] = {0, 1, 2, 0, 1, 3, 4, 0, 1, 2, 5, 0, 6, 7, 8};
  const int32_t parent[ROWS] = {-1, 0, 1, 1, 3, 2, -1, 6, 7}, position[ROWS] = {0, 1, 2, 2, 3, 3, 0, 1, 2};
  const int32_t first[ROWS] = {0, 1, 2, 5, 6, 10, 12, 13, 14}, start[IMAGES + 1] = {0, 6, 6, 9};
  assert_true(p->rows == ROWS && p->tokens == TOKENS);
  assert_memory_equal(p->row, row, sizeof row);
  assert_memory_equal(p->parent, parent, sizeof parent);
  assert_memory_equal(p->position, position, sizeof position);
  assert_memory_equal(p->first, first, sizeof first);
  assert_memory_equal(p->start, start, sizeof start);
  assert_true(p->next[0] == 3 && p->next[3] == 7 && p->next[7] == 11 && p->next[11] == -1 && p->next[2] == 9);
  for (int t = 0; t < TOKENS; t++) assert_true(p->input[p->row[t]] == INPUT[t]);
  arena_free(&found.arena);
}

static void nothing_is_shared_when_told(void **state) {
  (void)state;
  Found found;
  found_init(&found, false);
  assert_int_equal(found.prefixes.rows, TOKENS);
  for (int t = 0; t < TOKENS; t++) assert_true(found.prefixes.row[t] == t && found.prefixes.next[t] == -1);
  arena_free(&found.arena);
}

static void fill(float *x, int stream) {
  for (int i = 0; i < TOKENS * WIDTH; i++) x[i] = (float)((i * 37 + stream * 11) % 101) - 50;
}

static void rows_go_to_tokens_and_back(void **state) {
  (void)state;
  Found found;
  found_init(&found, true);
  const Prefixes *p = &found.prefixes;
  for (int threads = 1; threads <= 5; threads++) {
    omp_set_num_threads(threads);
    float x[TOKENS * WIDTH], y[TOKENS * WIDTH], sums[ROWS * WIDTH] = {0};
    fill(x, 1), memcpy(y, x, sizeof x);
    prefixes_expand(p, WIDTH, x);
    for (int t = 0; t < TOKENS; t++) assert_memory_equal(x + t * WIDTH, y + p->row[t] * WIDTH, WIDTH * sizeof *x);
    memcpy(x, y, sizeof x);
    prefixes_place(p, WIDTH, x);
    for (int t = 0; t < TOKENS; t++)
      for (int c = 0; c < WIDTH; c++)
        assert_true(x[t * WIDTH + c] == (p->first[p->row[t]] == t ? y[p->row[t] * WIDTH + c] : 0));
    memcpy(x, y, sizeof x);
    prefixes_pick(p, WIDTH, x);
    for (int r = 0; r < ROWS; r++) assert_memory_equal(x + r * WIDTH, y + p->first[r] * WIDTH, WIDTH * sizeof *x);
    for (int t = 0; t < TOKENS; t++)
      for (int c = 0; c < WIDTH; c++) sums[p->row[t] * WIDTH + c] += y[t * WIDTH + c];
    memcpy(x, y, sizeof x);
    prefixes_sum(p, WIDTH, x);
    assert_memory_equal(x, sums, sizeof sums);
  }
  omp_set_num_threads(1);
  arena_free(&found.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(captions_share_what_they_begin_with),
                                     cmocka_unit_test(nothing_is_shared_when_told),
                                     cmocka_unit_test(rows_go_to_tokens_and_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
