/* Packing: offsets, shifted inputs, reuse after clearing. */
#include "learner/batch.h"

#include "common/model/decode.h"
#include "tests/unit/learner/golden.h"

static void packs_image_major(void **state) {
  (void)state;
  ModelShape shape = {.cells = 2, .features = 3};
  Batch batch;
  batch_init(&batch, &shape, 3, 4, 9);
  for (int round = 0; round < 2; round++) { /* the second round reuses what the first left */
    const float given[6] = {1, 2, 3, 4, 5, 6};
    const int32_t a[] = {7, 8, TOKEN_END}, b[] = {TOKEN_END}, c[] = {9, 10, 11, 12};
    batch_clear(&batch);
    float *slot = batch_add_image(&batch, NULL);
    for (int i = 0; i < 6; i++) slot[i] = (float)(10 * i);
    assert_int_equal(batch_add_caption(&batch, a, 3), 0);
    assert_int_equal(batch_add_caption(&batch, b, 1), 3);
    batch_add_image(&batch, NULL); /* no caption of its own */
    batch_add_image(&batch, given);
    assert_int_equal(batch_add_caption(&batch, c, 4), 4);
    const CaptionBatch *view = &batch.view;
    const int32_t images[] = {0, 2, 2, 3}, captions[] = {0, 3, 4, 8};
    const int32_t input[] = {TOKEN_START, 7, 8, TOKEN_START, TOKEN_START, 9, 10, 11};
    const int32_t target[] = {7, 8, TOKEN_END, TOKEN_END, 9, 10, 11, 12};
    assert_true(view->images == 3 && view->captions == 3 && view->tokens == 8);
    assert_memory_equal(view->image_start, images, sizeof images);
    assert_memory_equal(view->caption_start, captions, sizeof captions);
    assert_memory_equal(view->input, input, sizeof input);
    assert_memory_equal(view->target, target, sizeof target);
    assert_memory_equal(view->features + 12, given, sizeof given);
    assert_true(view->features[5] == 50);
  }
  batch_free(&batch);
  batch_free(&batch);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packs_image_major)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
