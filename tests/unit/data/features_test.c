/* Ready features in their true layouts (tests/golden/features/make_features.py), and files that are not as they should be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/data/captions.h"
#include "common/data/features.h"
#include "common/data/npy.h"

#define FOLDER "tests/golden/features/"
enum { PICTURES = 8, F = 6, MOST = 5 };

static const int IDS[PICTURES] = {391895, 522418, 184613, 318219, 554625, 574769, 60623, 309022};
static const int CELLS[PICTURES] = {3, 5, 1, 4, 5, 2, 4, 3};

static float value(int id, int cell, int feature) { return (float)((7 * id + 13 * cell + 5 * feature) % 61 - 20) / 8; }

static void source_check(const char *name, const int *cells, int most) {
  FeatureSource *source;
  if (features_open(&source, name) != OK) fail_msg("%s", status_message());
  for (int p = 0; p < PICTURES; p++) {
    char id[16], file[64];
    int n, f;
    float grid[MOST * F];
    snprintf(id, sizeof id, "%d", IDS[p]);
    snprintf(file, sizeof file, "val2014/%d.jpg", IDS[p]);
    const char *other = p % 2 ? "no-such-id" : id; /* then the file's name tells */
    if (features_shape(source, other, file, &n, &f) != OK) fail_msg("%s", status_message());
    assert_int_equal(n, cells[p]);
    assert_int_equal(f, F);
    for (int i = 0; i < MOST * F; i++) grid[i] = 77;
    if (features_read(source, other, file, most, F, grid) != OK) fail_msg("%s", status_message());
    for (int i = 0; i < most * F; i++) {
      float want = i / F < n ? value(IDS[p], i / F, i % F) : 0;
      assert_true(grid[i] == want);
    }
  }
  features_close(source);
}

static void layouts(void **state) {
  (void)state;
  const int one[PICTURES] = {1, 1, 1, 1, 1, 1, 1, 1}, four[PICTURES] = {4, 4, 4, 4, 4, 4, 4, 4};
  source_check(FOLDER "cocobu_att", CELLS, MOST);
  source_check(FOLDER "cocobu_fc", one, 1);
  source_check(FOLDER "cocotalk_att", four, 4);
  source_check(FOLDER "cocobu_att.h5", CELLS, MOST);
  source_check(FOLDER "coco_detections.hdf5", CELLS, MOST);
}

static void says(const char *word) {
  if (!strstr(status_message(), word)) fail_msg("'%s' was expected in: %s", word, status_message());
}

static void faults(void **state) {
  (void)state;
  FeatureSource *source;
  int n, f;
  float grid[3 * F];
  assert_int_equal(features_open(&source, FOLDER "nothing"), BAD_INPUT);
  says("nothing: no such file");
  assert_int_equal(features_open(&source, FOLDER "cocotalk.json"), BAD_INPUT);
  says("HDF5");
  const char *const sources[] = {FOLDER "odd", FOLDER "cocobu_att.h5"};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(features_open(&source, sources[i]), OK);
    assert_int_equal(features_shape(source, "1234", "a/b.jpg", &n, &f), BAD_INPUT);
    says("no features of picture 1234 (a/b.jpg)");
    const char *const outside[] = {"../cocobu_fc/391895", "/etc/passwd", "", "a/../391895", ".."};
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++)
      assert_int_equal(features_shape(source, outside[k], "x.jpg", &n, &f), BAD_INPUT);
    features_close(source);
  }
  static const struct {
    const char *id, *message;
  } odd[] = {{"names", "has no array 'feat', but 'boxes' 'classes'"},
             {"big", "'>f4'"},
             {"whole", "'<i4'"},
             {"deep", "[rows, columns, F] was expected"},
             {"none", "was expected"},
             {"wide", "has 2 cells of 7 features; at most 3 of 6"},
             {"nan", "not finite"},
             {"cut", "not an npz archive"},
             {"flipped", "flipped.npz"},
             {"short", "shorter than its shape"}};
  assert_int_equal(features_open(&source, FOLDER "odd"), OK);
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    assert_int_equal(features_read(source, odd[i].id, "x", 3, F, grid), BAD_INPUT);
    says(odd[i].message);
  }
  features_close(source);
}

static void types_and_orders(void **state) {
  (void)state;
  static const char *const ids[] = {"fortran", "fortran2", "half", "double"};
  FeatureSource *source;
  assert_int_equal(features_open(&source, FOLDER "odd"), OK);
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    float grid[3 * F];
    if (features_read(source, ids[i], "x", 3, F, grid) != OK) fail_msg("%s", status_message());
    for (int k = 0; k < 3 * F; k++) assert_true(grid[k] == value(1, k / F, k % F));
  }
  features_close(source);
}

static void headers(void **state) {
  (void)state;
  static const char *const bad[] = {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }",
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (65536, 65536), }",
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5), }",
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
                                    "{'descr': '<f4', 'fortran_order': False, 'shape': (2",
                                    "{'descr': '<f4', 'shape': 2 }",
                                    "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
                                    "{'shape': (2,)}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char bytes[256] = "\x93NUMPY\1";
    NpyHeader header;
    size_t n = strlen(bad[i]);
    bytes[8] = (char)n;
    memcpy(bytes + 10, bad[i], n);
    assert_int_equal(npy_header(&header, "x.npy", bytes, 10 + n, 1 << 20), BAD_INPUT);
    says("x.npy: ");
    for (size_t cut = 0; cut < 10; cut++) assert_int_equal(npy_header(&header, "x", bytes, cut, cut), BAD_INPUT);
  }
}

static void talk(void **state) {
  (void)state;
  CaptionList list;
  if (captions_read_labelled(&list, FOLDER "cocotalk.json", FOLDER "cocotalk_label.h5") != OK)
    fail_msg("%s", status_message());
  assert_int_equal(list.files.count, PICTURES);
  assert_string_equal(list.files.text[0], "val2014/COCO_val2014_000000391895.jpg");
  assert_string_equal(list.images[0].id, "391895");
  assert_string_equal(list.images[3].split, "train"); /* restval */
  assert_string_equal(list.images[4].split, "test");
  assert_int_equal(list.images[1].captions, 2);
  assert_string_equal(list.images[1].caption[0], "a woman cutting a cake");
  assert_string_equal(list.images[1].caption[1], "a <unk> with a cake");
  assert_int_equal(list.images[5].captions, 3);
  assert_string_equal(list.images[7].caption[0], "a <unk> man");
  caption_list_free(&list);
  assert_int_equal(captions_read_file(&list, FOLDER "cocotalk.json"), BAD_INPUT);
  says("--labels");
  assert_int_equal(captions_read_labelled(&list, FOLDER "dataset_coco.json", FOLDER "cocotalk_label.h5"), BAD_INPUT);
  says("ix_to_word");
  assert_int_equal(captions_read_labelled(&list, FOLDER "cocotalk.json", FOLDER "cocobu_att.h5"), BAD_INPUT);
  says("has no array labels");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layouts), cmocka_unit_test(faults), cmocka_unit_test(types_and_orders),
      cmocka_unit_test(headers), cmocka_unit_test(talk),
  };
  return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
