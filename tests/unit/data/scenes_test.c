/* Scenes: held-out combinations, the same bytes for ever, captions that say what is in the picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/hash.h"
#include "common/data/scenes.h"
#include "common/data/vocabulary.h"

static void held_out_as_asked(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 2000; i++) {
    Scene scene;
    scene_make(&scene, 3, i, i % 2);
    assert_int_equal(scene_held_out(&scene) > 0, i % 2);
    assert_true(scene.things == 1 || scene.things == 2);
    for (int k = 0; k < scene.things; k++) {
      const SceneThing *thing = &scene.thing[k];
      assert_true(thing->count >= 1 && thing->count <= 3 && (scene.things == 1 || thing->count == 1));
      for (int n = 0; n < thing->count; n++) {
        assert_true(thing->x[n] - thing->radius >= 0 && thing->x[n] + thing->radius <= SCENE_SIDE);
        assert_true(thing->y[n] - thing->radius >= 0 && thing->y[n] + thing->radius <= SCENE_SIDE);
      }
    }
    if (scene.things == 2 && !scene.stacked) assert_true(scene.thing[0].x[0] < scene.thing[1].x[0] - 30);
    if (scene.things == 2 && scene.stacked) assert_true(scene.thing[0].y[0] < scene.thing[1].y[0] - 30);
  }
}

/* The embedded data set is part of the product: its pixels and words do not change by accident. */
static void same_for_ever(void **state) {
  (void)state;
  uint8_t rgb[SCENE_SIDE * SCENE_SIDE * 3];
  char text[SCENE_TEXT], hash[HASH_TEXT];
  Hasher *hasher = hash_begin();
  for (uint32_t i = 0; i < 200; i++) {
    Scene scene;
    scene_make(&scene, 1, i, i >= 100);
    scene_draw(&scene, rgb);
    hash_add(hasher, rgb, sizeof rgb);
    for (int person = 0; person < SCENE_CAPTIONS; person++) {
      scene_describe(&scene, person, text);
      hash_add_text(hasher, text);
    }
  }
  hash_end(hasher, hash);
  assert_string_equal(hash, "5c95d67f198a00c14cf0c3ab508e9819");
}

static void captions_say_what_is_there(void **state) {
  (void)state;
  static const char *const colours[] = {"red", "blue", "green", "yellow", "purple", "orange", "white"};
  WordCounts counts = {0};
  int named = 0;
  for (uint32_t i = 0; i < 500; i++) {
    Scene scene;
    scene_make(&scene, 1, i, 0);
    for (int person = 0; person < SCENE_CAPTIONS; person++) {
      char text[SCENE_TEXT];
      scene_describe(&scene, person, text);
      size_t n = strlen(text);
      assert_true(n > 6 && text[0] >= 'A' && text[0] <= 'Z' && strcmp(text + n - 2, " .") == 0);
      assert_null(strstr(text, "  "));
      assert_null(strchr(text, ','));
      word_counts_add(&counts, text, 1);
      if (scene.ground == GROUND_GRASS || scene.ground == GROUND_SNOW) continue; /* "green field", "white" */
      for (int c = 0; c < COLOURS; c++) {
        bool there = (int)scene.thing[0].colour == c || (scene.things == 2 && (int)scene.thing[1].colour == c);
        bool said = strstr(text, colours[c]) != NULL && !(c == COLOUR_RED && strstr(text, "colored"));
        assert_true(there || !said);
        named += said;
      }
    }
  }
  assert_true(named > 500);
  assert_true(counts.words.count > 50);
  for (int w = 0; w < counts.words.count; w++)
    assert_true(counts.count[w] >= 5 || strchr("ASTO", counts.words.text[w][0]));
  word_counts_free(&counts);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(held_out_as_asked), cmocka_unit_test(same_for_ever),
                                     cmocka_unit_test(captions_say_what_is_there)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
