/* Checkpoints: everything comes back; equal content gives equal bytes; damage, newer versions and strangers are named. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/h5.h"
#include "common/model/checkpoint.h"
#include "tests/unit/test_folder.h"

static char *tokens[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "hund-\xC3\xA4", "dog"};

static const ModelShape small = {.vocabulary = 7,
                                 .width = 8,
                                 .heads = 2,
                                 .feed_forward = 12,
                                 .encoder_layers = 1,
                                 .decoder_layers = 2,
                                 .cells = 3,
                                 .features = 5,
                                 .positions = 6,
                                 .norm = NORM_PRE,
                                 .activation = ACTIVATION_GELU,
                                 .tied = true};

/* Fills a checkpoint whose config and tokens are borrowed: free only the blocks. */
static void checkpoint_make(Checkpoint *c, ParamTable *table, const ModelShape *shape) {
  assert_int_equal(params_init(table, shape), OK);
  *c = (Checkpoint){.stage = "train",
                    .iteration = 40,
                    .epoch = 3,
                    .step = 1234567890123,
                    .tokens = 77,
                    .captions = 55,
                    .reference_version = 20,
                    .seed = UINT64_MAX - 5,
                    .best = 0.52,
                    .best_iteration = 30,
                    .config = "run:\n  seed: 1\n",
                    .token = tokens,
                    .kind = VOCABULARY_BPE,
                    .dataset_hash = "d5",
                    .encoder = "patches",
                    .encoder_hash = "",
                    .preprocessing = "resize"};
  float **blocks[] = {&c->weights, &c->reference, &c->moment1, &c->moment2};
  for (unsigned i = 0; i < 4; i++) {
    *blocks[i] = params_block(table);
    params_initialise(table, 100 + i, *blocks[i]);
  }
}

static void checkpoint_drop(Checkpoint *c, ParamTable *table) {
  c->token = NULL;
  c->config = NULL;
  checkpoint_free(c);
  params_free(table);
}

static void shape_same(const ModelShape *a, const ModelShape *b) {
  assert_true(a->vocabulary == b->vocabulary && a->width == b->width && a->heads == b->heads);
  assert_true(a->feed_forward == b->feed_forward && a->encoder_layers == b->encoder_layers);
  assert_true(a->decoder_layers == b->decoder_layers && a->cells == b->cells && a->features == b->features);
  assert_true(a->positions == b->positions && a->norm == b->norm && a->activation == b->activation &&
              a->tied == b->tied);
}

static void bytes_put(const char *path, const char *bytes, size_t size) {
  FILE *f = fopen(path, "wb");
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  fclose(f);
}

static void roundtrip(void **state) {
  (void)state;
  char *path = path_join(folder, "one.h5");
  Checkpoint c, d;
  ParamTable table, found;
  checkpoint_make(&c, &table, &small);
  for (c.earlier_count = 0; c.earlier_count < 2; c.earlier_count++) {
    c.earlier[c.earlier_count] = params_block(&table);
    params_initialise(&table, 200 + (unsigned)c.earlier_count, c.earlier[c.earlier_count]);
  }
  assert_int_equal(checkpoint_save(&c, &table, path), OK);
  assert_int_equal(strlen(c.weights_hash), 32);
  if (checkpoint_load(&d, &found, path, 0) != OK) fail_msg("%s", status_message());
  shape_same(&d.shape, &small);
  assert_int_equal(found.total, table.total);
  assert_string_equal(d.stage, "train");
  assert_true(d.iteration == 40 && d.epoch == 3 && d.step == 1234567890123 && d.tokens == 77 && d.captions == 55);
  assert_true(d.reference_version == 20 && d.seed == UINT64_MAX - 5 && d.best == 0.52 && d.best_iteration == 30);
  assert_memory_equal(d.weights, c.weights, table.total * sizeof(float));
  assert_memory_equal(d.reference, c.reference, table.total * sizeof(float));
  assert_memory_equal(d.moment1, c.moment1, table.total * sizeof(float));
  assert_memory_equal(d.moment2, c.moment2, table.total * sizeof(float));
  assert_int_equal(d.earlier_count, 2);
  for (int i = 0; i < 2; i++) assert_memory_equal(d.earlier[i], c.earlier[i], table.total * sizeof(float));
  assert_string_equal(d.config, c.config);
  for (int i = 0; i < 7; i++) assert_string_equal(d.token[i], tokens[i]);
  assert_int_equal(d.kind, VOCABULARY_BPE);
  assert_string_equal(d.dataset_hash, "d5");
  assert_string_equal(d.encoder, "patches");
  assert_string_equal(d.encoder_hash, "");
  assert_string_equal(d.preprocessing, "resize");
  assert_string_equal(d.weights_hash, c.weights_hash);
  checkpoint_free(&d), params_free(&found);
  checkpoint_free(&d);
  assert_int_equal(checkpoint_load(&d, &found, path, 1), OK);
  assert_null(d.reference);
  assert_null(d.moment1);
  assert_null(d.moment2);
  assert_int_equal(d.earlier_count, 0);
  checkpoint_free(&d), params_free(&found);
  checkpoint_drop(&c, &table);
  unlink(path);
  free(path);
}

static void without_optional_blocks(void **state) {
  (void)state;
  char *path = path_join(folder, "two.h5");
  Checkpoint c, d;
  ParamTable table, found;
  ModelShape shape = small;
  shape.tied = false;
  shape.norm = NORM_POST;
  shape.activation = ACTIVATION_RELU;
  shape.encoder_layers = 0;
  checkpoint_make(&c, &table, &shape);
  free(c.reference), free(c.moment1), free(c.moment2);
  c.reference = c.moment1 = c.moment2 = NULL;
  c.best = NAN;
  c.config = NULL;
  assert_int_equal(checkpoint_save(&c, &table, path), OK);
  assert_int_equal(checkpoint_load(&d, &found, path, 0), OK);
  shape_same(&d.shape, &shape);
  assert_true(isnan(d.best) && !d.reference && !d.moment1 && !d.moment2);
  assert_string_equal(d.config, "");
  checkpoint_free(&d), params_free(&found);
  checkpoint_drop(&c, &table);
  unlink(path);
  free(path);
}

static void hash_names_the_values(void **state) {
  (void)state;
  Checkpoint c;
  ParamTable table;
  char before[HASH_TEXT], after[HASH_TEXT];
  checkpoint_make(&c, &table, &small);
  checkpoint_weights_hash(&table, c.weights, before);
  const Param *row = &table.rows[1];
  assert_true(row->count % 16 != 0);
  c.weights[row->offset + row->count] = 1; /* a gap */
  checkpoint_weights_hash(&table, c.weights, after);
  assert_string_equal(before, after);
  c.weights[row->offset] = nextafterf(c.weights[row->offset], 9);
  checkpoint_weights_hash(&table, c.weights, after);
  assert_string_not_equal(before, after);
  checkpoint_drop(&c, &table);
}

static void equal_content_equal_bytes(void **state) {
  (void)state;
  char *a = path_join(folder, "a.h5"), *b = path_join(folder, "b.h5"), *bytes_a, *bytes_b;
  size_t size_a, size_b;
  Checkpoint c;
  ParamTable table;
  checkpoint_make(&c, &table, &small);
  assert_int_equal(checkpoint_save(&c, &table, a), OK);
  sleep(1); /* time stamps would have whole seconds */
  assert_int_equal(checkpoint_save(&c, &table, b), OK);
  assert_int_equal(file_read(a, 0, &bytes_a, &size_a), OK);
  assert_int_equal(file_read(b, 0, &bytes_b, &size_b), OK);
  assert_int_equal(size_a, size_b);
  assert_memory_equal(bytes_a, bytes_b, size_a);
  free(bytes_a), free(bytes_b);
  checkpoint_drop(&c, &table);
  unlink(a), unlink(b);
  free(a), free(b);
}

static void damage_is_found(void **state) {
  (void)state;
  char *path = path_join(folder, "whole.h5"), *bad = path_join(folder, "bad.h5"), *bytes;
  size_t size, refused = 0, tried = 0;
  Checkpoint c, d;
  ParamTable table, found;
  checkpoint_make(&c, &table, &small);
  assert_int_equal(checkpoint_save(&c, &table, path), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  for (size_t i = 0; i < size; i += 211, tried++) {
    bytes[i] = (char)(bytes[i] ^ 0x10);
    bytes_put(bad, bytes, size);
    bytes[i] = (char)(bytes[i] ^ 0x10);
    if (checkpoint_load(&d, &found, bad, 0) != OK) {
      refused++;
      assert_non_null(strstr(status_message(), bad));
      assert_null(d.weights);
      continue;
    }
    /* a byte of HDF5's own that holds nothing */
    if (!d.reference || !d.moment1 || !d.moment2) fail_msg("byte %zu of %zu hides a block", i, size);
    assert_memory_equal(d.weights, c.weights, table.total * sizeof(float));
    assert_memory_equal(d.reference, c.reference, table.total * sizeof(float));
    assert_memory_equal(d.moment1, c.moment1, table.total * sizeof(float));
    assert_memory_equal(d.moment2, c.moment2, table.total * sizeof(float));
    assert_true(d.step == c.step && d.best == c.best);
    checkpoint_free(&d), params_free(&found);
  }
  assert_true(refused * 4 > tried);
  for (size_t n = 0; n < size; n += 5003) {
    bytes_put(bad, bytes, n);
    assert_int_equal(checkpoint_load(&d, &found, bad, 0), BAD_INPUT);
    assert_non_null(strstr(status_message(), bad));
  }
  free(bytes);
  checkpoint_drop(&c, &table);
  unlink(path), unlink(bad);
  free(path), free(bad);
}

static void a_flipped_weight_is_named(void **state) {
  (void)state;
  char *path = path_join(folder, "flip.h5"), *bytes;
  size_t size;
  Checkpoint c, d;
  ParamTable table, found;
  checkpoint_make(&c, &table, &small);
  assert_int_equal(checkpoint_save(&c, &table, path), OK);
  assert_int_equal(file_read(path, 0, &bytes, &size), OK);
  const Param *row = &table.rows[params_find(&table, "image.weight")];
  char *at = memmem(bytes, size, c.weights + row->offset, row->count * sizeof(float));
  assert_non_null(at);
  at[5] ^= 1;
  bytes_put(path, bytes, size);
  assert_int_equal(checkpoint_load(&d, &found, path, 1), BAD_INPUT);
  assert_non_null(strstr(status_message(), "flip.h5: is damaged"));
  bytes_put(path, bytes, size - 40); /* without its seal */
  assert_int_equal(checkpoint_load(&d, &found, path, 1), BAD_INPUT);
  assert_non_null(strstr(status_message(), "weights/image.weight does not fit its hash"));
  free(bytes);
  checkpoint_drop(&c, &table);
  unlink(path);
  free(path);
}

static void refusals(void **state) {
  (void)state;
  char *path = path_join(folder, "x.h5");
  Checkpoint c;
  ParamTable table;
  H5File file;
  assert_int_equal(checkpoint_load(&c, &table, path, 0), BAD_INPUT);
  assert_int_equal(checkpoint_load(&c, &table, folder, 0), BAD_INPUT);
  bytes_put(path, "", 0);
  assert_int_equal(checkpoint_load(&c, &table, path, 0), BAD_INPUT);
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(checkpoint_load(&c, &table, path, 0), BAD_INPUT);
  assert_non_null(strstr(status_message(), "not written by troupe"));
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-dataset"), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(checkpoint_load(&c, &table, path, 0), BAD_INPUT);
  assert_non_null(strstr(status_message(), "is a troupe-dataset; a troupe-checkpoint was expected"));
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-checkpoint"), OK);
  assert_int_equal(h5_write_integer(&file, "/", "format_version", 2), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(checkpoint_load(&c, &table, path, 0), BAD_INPUT);
  assert_non_null(strstr(status_message(), "of version 2; this program reads versions 1 to 1"));
  assert_true(checkpoint_is_newer(path));
  assert_non_null(strstr(status_message(), "a newer troupe wrote it"));
  assert_int_equal(h5_create(&file, path, path), OK);
  assert_int_equal(h5_write_text(&file, "/", "format", "troupe-checkpoint"), OK);
  assert_int_equal(h5_write_integer(&file, "/", "format_version", 1 << 20), OK);
  assert_int_equal(h5_close(&file), OK);
  assert_int_equal(checkpoint_load(&c, &table, path, 0), FAILED);
  assert_non_null(strstr(status_message(), "the file is damaged"));
  assert_false(checkpoint_is_newer(path));
  assert_non_null(strstr(status_message(), "the file is damaged"));
  unlink(path);
  checkpoint_make(&c, &table, &small);
  assert_int_equal(checkpoint_save(&c, &table, "/nowhere/at/all.h5"), FAILED);
  checkpoint_drop(&c, &table);
  free(path);
}

/* A disk that fills up (RLIMIT_FSIZE stands in): the checkpoint before stays, and nothing else is left. */
static void full_disk_leaves_the_old_file(void **state) {
  (void)state;
  char *path = path_join(folder, "full.h5");
  Checkpoint c, d;
  ParamTable table, found;
  checkpoint_make(&c, &table, &small);
  assert_int_equal(checkpoint_save(&c, &table, path), OK);
  struct rlimit old, small_limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  for (rlim_t limit = 1000; limit < 40000; limit += 9000) {
    small_limit = (struct rlimit){limit, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small_limit), 0);
    c.iteration = 41;
    Status status = checkpoint_save(&c, &table, path);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, FAILED);
    assert_int_equal(checkpoint_load(&d, &found, path, 0), OK);
    assert_int_equal(d.iteration, 40);
    checkpoint_free(&d), params_free(&found);
  }
  signal(SIGXFSZ, handler);
  checkpoint_drop(&c, &table);
  unlink(path);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roundtrip),
      cmocka_unit_test(without_optional_blocks),
      cmocka_unit_test(hash_names_the_values),
      cmocka_unit_test(equal_content_equal_bytes),
      cmocka_unit_test(damage_is_found),
      cmocka_unit_test(a_flipped_weight_is_named),
      cmocka_unit_test(refusals),
      cmocka_unit_test(full_disk_leaves_the_old_file),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_drop);
}
