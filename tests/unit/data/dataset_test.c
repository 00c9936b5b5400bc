/* Dataset files: what is written is read; equal content gives equal bytes; damage is found and named. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/rng.h"
#include "common/data/dataset_write.h"
#include "common/data/h5.h"
#include "common/data/half.h"
#include "tests/unit/test_folder.h"

enum { IMAGES = 3, CAPTIONS = 5, CELLS = 4, FEATURES = 6, STRIDE = 4 };

static void value_fill(int image, float *row) {
  for (int k = 0; k < CELLS * FEATURES; k++) row[k] = (float)(image * 100 + k) / 8.0f; /* exact in float16 */
}

/* A small dataset; splits train, val, train; picture 1 has no captions. */
static Status small_write(const char *path, bool half) {
  static char *id[] = {"one.jpg", "two", "drei-\xC3\xBC"}, *file[] = {"a/one.jpg", "two.jpg", "3.jpg"};
  static char split[IMAGES][SPLIT_NAME] = {"train", "val", "train"};
  static int32_t first[] = {0, 2, 2, 5};
  static char *text[] = {"A dog.", "", "Dogs", "x", "y"}, *words[] = {"a dog", "", "dogs", "x", "y"};
  static int32_t tokens[CAPTIONS * STRIDE] = {4, 5, 2, 0, 2, 0, 0, 0, 3, 2, 0, 0, 4, 4, 4, 4, 5, 2, 0, 0};
  static int32_t length[] = {3, 1, 2, 4, 2};
  static char *token[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "dog"};
  static uint64_t key[] = {3, 9, UINT64_MAX};
  static float df[] = {1, 2, 2};
  Dataset content = {.images = IMAGES,
                     .captions = CAPTIONS,
                     .vocabulary = 6,
                     .image_id = id,
                     .image_file = file,
                     .image_split = split,
                     .image_first = first,
                     .text = text,
                     .words = words,
                     .tokens = tokens,
                     .length = length,
                     .token_stride = STRIDE,
                     .token = token,
                     .kind = half ? VOCABULARY_WORDPIECE : VOCABULARY_WORDS,
                     .ngram_key = key,
                     .ngram_df = df,
                     .ngrams = 3,
                     .ngram_documents = 2,
                     .encoder = "patches",
                     .encoder_hash = "",
                     .preprocessing = "resize 224"};
  DatasetWriter *writer;
  TRY(dataset_write_begin(&writer, path, CELLS, FEATURES, half));
  float rows[2 * CELLS * FEATURES];
  value_fill(0, rows);
  value_fill(1, rows + CELLS * FEATURES);
  Status status = dataset_write_features(writer, 2, rows);
  value_fill(2, rows);
  if (status == OK) status = dataset_write_features(writer, 1, rows);
  if (status != OK) {
    dataset_write_abandon(writer);
    return status;
  }
  return dataset_write_finish(writer, &content);
}

static void roundtrip(void **state) {
  (void)state;
  char *path = path_join(folder, "small.h5");
  for (int half = 0; half < 2; half++) {
    assert_int_equal(small_write(path, half), OK);
    Dataset d;
    if (dataset_open(&d, path, true) != OK) fail_msg("%s", status_message());
    assert_int_equal(d.images, IMAGES);
    assert_int_equal(d.captions, CAPTIONS);
    assert_int_equal(d.vocabulary, 6);
    assert_int_equal(d.cells, CELLS);
    assert_int_equal(d.features, FEATURES);
    assert_int_equal(d.token_stride, STRIDE);
    assert_string_equal(d.image_id[2], "drei-\xC3\xBC");
    assert_string_equal(d.image_file[0], "a/one.jpg");
    assert_string_equal(d.image_split[1], "val");
    assert_int_equal(d.image_first[1], 2);
    assert_int_equal(d.image_first[2], 2);
    assert_int_equal(d.image_first[3], 5);
    assert_string_equal(d.text[1], "");
    assert_string_equal(d.words[2], "dogs");
    assert_int_equal(d.tokens[3 * STRIDE + 3], 4);
    assert_string_equal(d.token[5], "dog");
    assert_int_equal(d.kind, half ? VOCABULARY_WORDPIECE : VOCABULARY_WORDS);
    assert_true(d.ngram_key[2] == UINT64_MAX && d.ngram_df[1] == 2.0f && d.ngrams == 3);
    assert_int_equal(d.ngram_documents, 2);
    assert_string_equal(d.encoder_hash, "");
    float got[CELLS * FEATURES], wanted[CELLS * FEATURES];
    for (int i = IMAGES - 1; i >= 0; i--) {
      value_fill(i, wanted);
      assert_int_equal(dataset_features(&d, i, got), OK);
      assert_memory_equal(got, wanted, sizeof got);
    }
    int32_t *images;
    int count;
    assert_int_equal(dataset_split(&d, "train", &images, &count), OK);
    assert_int_equal(count, 2);
    assert_int_equal(images[1], 2);
    free(images);
    assert_int_equal(dataset_split(&d, "test", &images, &count), BAD_INPUT);
    assert_non_null(strstr(status_message(), "'test'; it has 'train' 'val'"));
    dataset_close(&d);
    dataset_close(&d);
  }
  unlink(path);
  free(path);
}

/* The n-gram table of an open dataset is the file's own pages. */
static void table_is_mapped(void **state) {
  (void)state;
  char *path = path_join(folder, "mapped.h5");
  Dataset d;
  assert_int_equal(small_write(path, true), OK);
  if (dataset_open(&d, path, false) != OK) fail_msg("%s", status_message());
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096];
  bool mapped = false;
  while (maps && fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx r--s", &from, &to) == 2 && from <= (unsigned long)d.ngram_key &&
        (unsigned long)d.ngram_key < to)
      mapped = strstr(line, path_name(path)) != NULL;
  }
  assert_non_null(maps);
  fclose(maps);
  assert_true(mapped);
  dataset_close(&d);
  unlink(path);
  free(path);
}

static void equal_content_equal_bytes(void **state) {
  (void)state;
  char *a = path_join(folder, "a.h5"), *b = path_join(folder, "b.h5"), *bytes_a, *bytes_b;
  size_t size_a, size_b;
  assert_int_equal(small_write(a, true), OK);
  clock_sleep(1.1); /* time stamps would have whole seconds */
  assert_int_equal(small_write(b, true), OK);
  assert_int_equal(file_read(a, 0, &bytes_a, &size_a), OK);
  assert_int_equal(file_read(b, 0, &bytes_b, &size_b), OK);
  assert_int_equal(size_a, size_b);
  assert_memory_equal(bytes_a, bytes_b, size_a);
  free(bytes_a), free(bytes_b);
  unlink(a), unlink(b);
  free(a), free(b);
}

/* Bytes flipped, one at a time, and truncations: never a wrong dataset, never a crash. */
static void damage_is_found(void **state) {
  (void)state;
  char *path = path_join(folder, "whole.h5"), *bad = path_join(folder, "bad.h5"), *bytes;
  size_t size, silent = 0;
  assert_int_equal(small_write(path, true), OK);
  Dataset whole;
  assert_int_equal(dataset_open(&whole, path, true), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  for (size_t i = 0; i < size; i += 17) {
    bytes[i] = (char)(bytes[i] ^ 0x10);
    FILE *f = fopen(bad, "wb");
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    Dataset d;
    if (dataset_open(&d, bad, true) == OK) { /* a byte that holds nothing: the content must be the same */
      assert_string_equal(d.content_hash, whole.content_hash);
      silent++;
      dataset_close(&d);
    }
    bytes[i] = (char)(bytes[i] ^ 0x10);
  }
  for (size_t n = 0; n < size; n += 389) {
    FILE *f = fopen(bad, "wb");
    fwrite(bytes, 1, n, f);
    fclose(f);
    Dataset d;
    assert_int_not_equal(dataset_open(&d, bad, true), OK);
    assert_non_null(strstr(status_message(), bad));
  }
  assert_true(silent < size); /* unused bytes of HDF5's own blocks */
  dataset_close(&whole);
  free(bytes);
  unlink(path), unlink(bad);
  free(path), free(bad);
}

static void refusals(void **state) {
  (void)state;
  char *path = path_join(folder, "x.h5");
  Dataset d;
  assert_int_equal(dataset_open(&d, path, false), BAD_INPUT);
  assert_non_null(strstr(status_message(), "no such file"));
  assert_int_equal(dataset_open(&d, folder, false), BAD_INPUT);
  assert_int_equal(file_write_atomic(path, "hello", 5), OK);
  assert_int_equal(dataset_open(&d, path, false), BAD_INPUT);
  assert_non_null(strstr(status_message(), "is not an HDF5 file"));
  H5File file;
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(dataset_open(&d, path, false), BAD_INPUT);
  assert_non_null(strstr(status_message(), "not written by troupe"));
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-dataset"), OK);
  assert_int_equal(h5_write_integer(&file, "/", "format_version", DATASET_VERSION + 1), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(dataset_open(&d, path, false), BAD_INPUT);
  assert_non_null(strstr(status_message(), "a newer troupe wrote it"));
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-dataset"), OK);
  assert_int_equal(h5_write_integer(&file, "/", "format_version", DATASET_VERSION), OK);
  assert_int_equal(h5_write_integer(&file, "/", "encoder", 1), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(dataset_open(&d, path, false), BAD_INPUT);
  assert_non_null(strstr(status_message(), "x.h5: attribute encoder is not a text, which was expected"));
  unlink(path);
  DatasetWriter *writer;
  assert_int_equal(dataset_write_begin(&writer, "/nowhere/at/all.h5", 1, 1, true), FAILED);
  assert_non_null(strstr(status_message(), "/nowhere/at/all.h5: cannot be created: No such file or directory"));
  float value = 70000.0f;
  assert_int_equal(dataset_write_begin(&writer, path, 1, 1, true), OK);
  assert_int_equal(dataset_write_features(writer, 1, &value), FAILED);
  assert_non_null(strstr(status_message(), "--float32"));
  value = NAN;
  assert_int_equal(dataset_write_features(writer, 1, &value), FAILED);
  dataset_write_abandon(writer);
  assert_int_equal(access(path, F_OK), -1);
  free(path);
}

/* Every half, and the roundings of floats around each: against arithmetic in double. */
static void halves(void **state) {
  (void)state;
  uint16_t *all = xmalloc(65536 * sizeof *all), *back = xmalloc(65536 * sizeof *back), one;
  float *wide = xmalloc(65536 * sizeof *wide), single;
  for (int i = 0; i < 65536; i++) all[i] = (uint16_t)i;
  half_to_float(all, wide, 65536);
  half_from_float(wide, back, 65536);
  for (int i = 0; i < 65536; i++) {
    int exponent = i >> 10 & 31, fraction = i & 1023;
    half_to_float(all + i, &single, 1); /* the portable path */
    half_from_float(wide + i, &one, 1);
    if (exponent == 31 && fraction) {
      assert_true(isnan(wide[i]) && isnan(single));
      assert_int_equal(back[i], one);
      continue;
    }
    double value = exponent == 31 ? (double)INFINITY
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
    assert_true((double)wide[i] == (i & 0x8000 ? -value : value));
    assert_true(single == wide[i]);
    assert_int_equal(back[i], i);
    assert_int_equal(one, i);
  }
  for (uint32_t n = 0; n < 8192; n++) { /* eight at once (F16C) and one by one must agree anywhere */
    uint32_t words[4];
    rng_words(&(RngKey){.stage = RNG_TEST, .image = n}, words);
    float values[8];
    uint16_t packed[8];
    for (uint32_t k = 0; k < 8; k++) {
      uint32_t bits = words[k & 3] * (2 * k + 1);
      if (k & 1) bits = (bits & 0x8FFFFFFFu) | 0x30000000u; /* around float16's range */
      memcpy(&values[k], &bits, sizeof bits);
      if (isnan(values[k])) values[k] = 0;
    }
    half_from_float(values, packed, 8);
    for (int k = 0; k < 8; k++) {
      half_from_float(values + k, &one, 1);
      assert_int_equal(one, packed[k]);
    }
  }
  free(all), free(back), free(wide);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roundtrip),       cmocka_unit_test(table_is_mapped), cmocka_unit_test(equal_content_equal_bytes),
      cmocka_unit_test(damage_is_found), cmocka_unit_test(refusals),        cmocka_unit_test(halves)};
  return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
