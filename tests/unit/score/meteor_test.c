/* METEOR with a tiny data file of made-up words: the scores against METEOR 1.5's with the same words (tests/golden/score), the
 * normalisation, the alignment, and data files that are not right. The comparison on the whole data is compare_meteor.py. */
#include "common/score/meteor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/unit/score/golden.h"

#define TINY "tests/golden/score/meteor-tiny.bin"

static void data_open(MeteorData *data) {
  if (meteor_data_open(data, TINY) != OK) fail_msg("%s", status_message());
}

/* --- scores ------------------------------------------------------------------------------------------------------ */

typedef struct Captions {
  int32_t *words;
  size_t used, room;
  int counts[16], count;
} Captions;

static void captions_add(Captions *captions, Meteor *meteor, const char *text) {
  captions->counts[captions->count++] =
      meteor_words_append(meteor, text, &captions->words, &captions->used, &captions->room);
}

static MeteorStats pair_score(Meteor *meteor, const json_t *pair) {
  const char *references[16];
  int count = golden_texts(json_object_get(pair, "references"), references);
  Captions captions = {0};
  captions_add(&captions, meteor, golden_text(pair, "candidate"));
  for (int r = 0; r < count; r++) captions_add(&captions, meteor, references[r]);
  MeteorCaption spans[16];
  for (int c = 0, first = 0; c <= count; first += captions.counts[c++])
    spans[c] = (MeteorCaption){captions.counts[c] ? captions.words + first : NULL, captions.counts[c]};
  MeteorStats stats = meteor_stats(meteor, spans[0], spans + 1, count);
  free(captions.words);
  return stats;
}

static void scores_equal_goldens(void **state) {
  (void)state;
  json_t *root = golden_load("tests/golden/score/meteor.json"), *pair;
  MeteorData data;
  data_open(&data);
  Meteor meteor;
  meteor_init(&meteor, &data);
  MeteorStats sum = {0};
  size_t i, between = 0;
  json_array_foreach(json_object_get(root, "pairs"), i, pair) {
    MeteorStats stats = pair_score(&meteor, pair);
    golden_close(meteor_score(&stats), golden_number(pair, "score"), golden_text(pair, "candidate"));
    meteor_stats_add(&sum, &stats);
    between += meteor_score(&stats) > 0 && meteor_score(&stats) < 1;
  }
  assert_true(between > 150);
  golden_close(meteor_score(&sum), golden_number(root, "corpus"), "corpus");
  meteor_free(&meteor);
  meteor_free(&meteor);
  meteor_data_close(&data);
  meteor_data_close(&data);
  json_decref(root);
}

/* --- normalisation ----------------------------------------------------------------------------------------------- */

static void captions_are_normalized(void **state) {
  (void)state;
  static const char *const CASES[][2] = {
      {"", ""},
      {"  A  Dog\tRUNS\n", "a dog runs"},
      {"it 's a well-known u.s. dog .", "it ' s a well known us dog ."},
      {"rev. 5", "rev. 5"}, /* an abbreviation */
      {"a house.", "a house ."},
      {"pp. 5", "pp. 5"}, /* one before a number */
      {"pp. x", "pp. x"},
      {"see pp.", "see pp ."},
      {"wait... here", "wait ... here"},
      {"1,000 dogs,2", "1,000 dogs , 2"},
      {"caf\xC3\x89 \xE2\x80\x9Cx\xE2\x80\x9D", "caf\xC3\xA9 \" x \""},
      {"a\xFFz", "a \xEF\xBF\xBD z"},
      {"''quoted''", "\" quoted \""},
  };
  MeteorData data;
  data_open(&data);
  MeteorText text = {0};
  for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
    char joined[256] = "";
    int count = meteor_normalize(&text, &data, CASES[c][0], strlen(CASES[c][0]));
    for (int w = 0; w < count; w++) {
      size_t size;
      const char *word = meteor_text_word(&text, w, &size);
      snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%.*s", w ? " " : "", (int)size, word);
    }
    assert_string_equal(joined, CASES[c][1]);
  }
  meteor_text_free(&text);
  meteor_text_free(&text);
  meteor_data_close(&data);
}

/* --- alignment --------------------------------------------------------------------------------------------------- */

static void words_are_matched_once(void **state) {
  (void)state;
  MeteorAligner aligner = {0};
  assert_int_equal(meteor_align(&aligner, 0, 0), 0);
  /* a b a against a a b: every equal pair is a match; "a b" is the longest chunk */
  static const char A[] = "aba", B[] = "aab";
  for (int c = 0; c < 3; c++)
    for (int r = 0; r < 3; r++)
      if (A[c] == B[r]) meteor_match_add(&aligner, (MeteorMatch){c, 1, r, 1, METEOR_EXACT});
  assert_int_equal(meteor_align(&aligner, 3, 3), 2);
  assert_int_equal(aligner.chosen_count, 3);
  unsigned candidate = 0, reference = 0;
  for (int i = 0; i < 3; i++) {
    const MeteorMatch *match = &aligner.matches[aligner.chosen[i]];
    assert_true(A[match->candidate] == B[match->reference]);
    candidate |= 1u << match->candidate;
    reference |= 1u << match->reference;
  }
  assert_int_equal(candidate, 7);
  assert_int_equal(reference, 7);
  /* a paraphrase of two words by three beats nothing, and an exact match of one of them does not break it */
  meteor_match_clear(&aligner);
  meteor_match_add(&aligner, (MeteorMatch){0, 2, 0, 3, METEOR_PARAPHRASE});
  meteor_match_add(&aligner, (MeteorMatch){5, 1, 1, 1, METEOR_STEM});
  assert_int_equal(meteor_align(&aligner, 6, 3), 1);
  assert_int_equal(aligner.chosen_count, 1);
  assert_int_equal(aligner.matches[aligner.chosen[0]].module, METEOR_PARAPHRASE);
  meteor_aligner_free(&aligner);
  meteor_aligner_free(&aligner);
}

/* --- data files that are not right ------------------------------------------------------------------------------- */

/* A file in memory: there are thousands of them. */
static int scratch = -1;

static const char *scratch_path(void) {
  static char path[64];
  if (scratch < 0) scratch = memfd_create("meteor", 0);
  assert_true(scratch >= 0);
  snprintf(path, sizeof path, "/proc/self/fd/%d", scratch);
  return path;
}

static void scratch_write(const char *bytes, size_t size) {
  scratch_path();
  assert_int_equal(ftruncate(scratch, (off_t)size), 0);
  assert_int_equal(pwrite(scratch, bytes, size, 0), size);
}

/* RFC 1950, as the file's header has it */
static void sum_set(char *bytes, size_t size) {
  uint32_t a = 1, b = 0, sum;
  for (size_t i = 48; i < size; i++) {
    a = (a + (unsigned char)bytes[i]) % 65521;
    b = (b + a) % 65521;
  }
  sum = b << 16 | a;
  memcpy(bytes + 12, &sum, 4);
}

static void refuses(const char *bytes, size_t size, const char *message) {
  MeteorData data;
  scratch_write(bytes, size);
  assert_int_equal(meteor_data_open(&data, scratch_path()), BAD_INPUT);
  if (!strstr(status_message(), message)) fail_msg("'%s'; '%s' was expected", status_message(), message);
  assert_ptr_equal(strstr(status_message(), scratch_path()), status_message());
  assert_non_null(strstr(status_message(), "deploy/fetch-meteor.sh"));
  assert_null(data.map);
}

static void wrong_data_is_refused(void **state) {
  (void)state;
  char *bytes, *wrong;
  size_t size;
  if (file_read(TINY, 1 << 20, &bytes, &size) != OK) fail_msg("%s", status_message());
  MeteorData data;
  assert_int_equal(meteor_data_open(&data, "none/meteor.bin"), BAD_INPUT);
  assert_string_equal(status_message(),
                      "none/meteor.bin: No such file or directory; the file that deploy/fetch-meteor.sh "
                      "makes was expected");
  assert_int_equal(meteor_data_open(&data, "/tmp"), BAD_INPUT);
  refuses("", 0, "is empty");
  refuses("a,b\n1,a text of more bytes than the header has\n", 47, "is not METEOR data");
  for (size_t cut = 1; cut < size; cut++) refuses(bytes, cut, cut < 48 ? "is not METEOR data" : "cut short or damaged");
  wrong = malloc(size + 8);
  memcpy(wrong, bytes, size);
  memset(wrong + size, 0, 8);
  refuses(wrong, size + 8, "cut short or damaged");
  wrong[8] = 1;
  refuses(wrong, size, "version 1; version 2 was expected: remove it and run deploy/fetch-meteor.sh");
  for (size_t at = 12; at < size; at++) {
    memcpy(wrong, bytes, size);
    wrong[at] ^= 1;
    refuses(wrong, size, at >= 48 || at < 16 ? "its check sum differs" : "");
  }
  free(bytes);
  free(wrong);
}

/* Every byte of the content is changed, the check sum made to fit: refused, or safe to score with. */
static void no_index_is_trusted(void **state) {
  (void)state;
  char *bytes;
  size_t size, refused = 0;
  if (file_read(TINY, 1 << 20, &bytes, &size) != OK) fail_msg("%s", status_message());
  json_t *root = golden_load("tests/golden/score/meteor.json");
  for (size_t at = 24; at < size; at++) {
    unsigned char before = (unsigned char)bytes[at];
    bytes[at] = (char)(before ^ 0x81);
    sum_set(bytes, size);
    scratch_write(bytes, size);
    bytes[at] = (char)before;
    MeteorData data;
    if (meteor_data_open(&data, scratch_path()) != OK) {
      refused++;
      continue;
    }
    Meteor meteor;
    meteor_init(&meteor, &data);
    for (size_t i = 0; i < 60; i += 5) {
      MeteorStats stats = pair_score(&meteor, json_array_get(json_object_get(root, "pairs"), i));
      assert_true(meteor_score(&stats) >= 0 && meteor_score(&stats) <= 1.5);
    }
    meteor_free(&meteor);
    meteor_data_close(&data);
  }
  assert_true(refused > 400);
  json_decref(root);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_equal_goldens),   cmocka_unit_test(captions_are_normalized),
      cmocka_unit_test(words_are_matched_once), cmocka_unit_test(wrong_data_is_refused),
      cmocka_unit_test(no_index_is_trusted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
