/* Vocabularies of pieces: ids and text against the reference tokenisers (tests/golden/pieces), special tokens, files that are
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/json.h"
#include "common/base/utf8.h"
#include "common/data/pieces.h"

#define GOLDEN "tests/golden/pieces/"

/* --- goldens ------------------------------------------------------------------------------------------------------ */

static void golden_compare(const char *name, const Pieces *pieces) {
  enum { STRIDE = 1024 };
  static int32_t ids[STRIDE];
  json_t *root, *row;
  size_t i, t, checked = 0;
  assert_int_equal(json_read(GOLDEN "pieces.json", &root), OK);
  json_array_foreach(json_object_get(root, name), i, row) {
    const char *text = json_string_value(json_array_get(row, 0));
    json_t *wanted = json_array_get(row, 1), *id;
    int length = pieces_encode(pieces, text, ids, STRIDE);
    assert_int_equal(length, json_array_size(wanted));
    json_array_foreach(wanted, t, id) assert_int_equal(ids[t], json_integer_value(id));
    for (int k = length; k < STRIDE; k++) assert_int_equal(ids[k], WORD_PAD);
    char *decoded =
        vocabulary_text(pieces->kind, pieces->vocabulary.tokens.text, pieces->vocabulary.tokens.count, ids, length);
    assert_string_equal(decoded, json_string_value(json_array_get(row, 2)));
    free(decoded);
    checked++;
  }
  assert_int_equal(checked, 600);
  json_decref(root);
}

static void wordpiece_as_the_reference(void **state) {
  (void)state;
  Pieces pieces;
  assert_int_equal(pieces_read(&pieces, VOCABULARY_WORDPIECE, GOLDEN "vocab.txt", NULL), OK);
  golden_compare("wordpiece", &pieces);
  pieces_free(&pieces);
  pieces_free(&pieces);
}

static void bpe_as_the_reference(void **state) {
  (void)state;
  Pieces pieces;
  assert_int_equal(pieces_read(&pieces, VOCABULARY_BPE, GOLDEN "vocab.json", GOLDEN "merges.txt"), OK);
  golden_compare("bpe", &pieces);
  pieces_free(&pieces);
  assert_int_equal(pieces_read(&pieces, VOCABULARY_BPE, GOLDEN "tokenizer.json", NULL), OK);
  golden_compare("bpe", &pieces);
  pieces_free(&pieces);
}

/* --- what holds for any file -------------------------------------------------------------------------------------- */

static Status wordpiece(Pieces *pieces, const char *lines) {
  return pieces_parse(pieces, VOCABULARY_WORDPIECE, "vocab.txt", lines, strlen(lines), NULL, NULL, 0);
}

static Status bpe(Pieces *pieces, const char *json, const char *merges) {
  return pieces_parse(pieces, VOCABULARY_BPE, "vocab.json", json, strlen(json), merges ? "merges.txt" : NULL, merges,
                      merges ? strlen(merges) : 0);
}

static void special_tokens(void **state) {
  (void)state;
  static const char *const wanted[] = {"<pad>", "<start>", "<end>", "<unk>", "[MASK]", "a", "##b", "c"};
  Pieces pieces;
  assert_int_equal(wordpiece(&pieces, "[PAD]\r\n[MASK]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n##b\r\nc"), OK);
  assert_int_equal(pieces.vocabulary.tokens.count, 8); /* as many as the file has */
  for (int i = 0; i < 8; i++) assert_string_equal(pieces.vocabulary.tokens.text[i], wanted[i]);
  int32_t ids[6];
  assert_int_equal(pieces_encode(&pieces, "[SEP] [PAD]", ids, 6), 6); /* read as text: [ sep ] [ pad ] */
  for (int i = 0; i < 6; i++) assert_int_equal(ids[i], WORD_UNKNOWN);
  static const int32_t cut[] = {5, 6};
  assert_int_equal(pieces_encode(&pieces, "AB c", ids, 2), 2);
  assert_memory_equal(ids, cut, sizeof cut);
  static const int32_t whole[] = {5, 6, 7, WORD_UNKNOWN, WORD_END, WORD_PAD};
  assert_int_equal(pieces_encode(&pieces, "AB\tc \xC3\xA0x", ids, 6), 5);
  assert_memory_equal(ids, whole, sizeof whole);
  assert_int_equal(pieces_encode(&pieces, "", ids, 6), 1);
  pieces_free(&pieces);

  assert_int_equal(bpe(&pieces, "{\"a\":0,\"b\":1,\"ab\":2,\"<|endoftext|>\":3,\"<unk>\":4}", "#version: 0.2\na b\n"),
                   OK);
  static const char *const pairs[] = {"<pad>", "<start>", "<end>", "<unk>", "a", "b", "ab"};
  assert_int_equal(pieces.vocabulary.tokens.count, 7);
  for (int i = 0; i < 7; i++) assert_string_equal(pieces.vocabulary.tokens.text[i], pairs[i]);
  static const int32_t joined[] = {6, 5, WORD_UNKNOWN, 4, WORD_END};
  assert_int_equal(pieces_encode(&pieces, "abbxa", ids, 6), 5);
  assert_memory_equal(ids, joined, sizeof joined);
  pieces_free(&pieces);
}

static void words_of_a_hundred_characters(void **state) {
  (void)state;
  char text[256];
  int32_t ids[128];
  Pieces pieces;
  assert_int_equal(wordpiece(&pieces, "[UNK]\nx\n##x\n"), OK);
  for (int n = 99; n <= 101; n++) {
    memset(text, 'x', (size_t)n);
    text[n] = 0;
    assert_int_equal(pieces_encode(&pieces, text, ids, 128), n > 100 ? 2 : n + 1);
    assert_int_equal(ids[0], n > 100 ? WORD_UNKNOWN : WORDS_SPECIAL);
  }
  pieces_free(&pieces);
}

static void text_is_cleaned(void **state) {
  (void)state;
  static char *token[] = {"<pad>", "<start>", "<end>", "<unk>", "dog", "'", "s", "##gy", "t", "-", "shirt", ","};
  static const int32_t ids[] = {1, 4, 7, 5, 6, 0, 8, 9, 10, 11, 3, 2, 4};
  char *text = vocabulary_text(VOCABULARY_WORDPIECE, token, 12, ids, 13);
  assert_string_equal(text, "doggy's t-shirt, <unk>");
  free(text);
  /* bytes that are no UTF-8, control characters, blanks at the ends; U+0120 is a blank, U+010A a line feed */
  static char *bytes[] = {"<pad>", "<start>",  "<end>",           "<unk>", "\xC4\xA0", "\xC3\xA2\xC4\xA4",
                          "a",     "\xC4\x8A", "\xC3\x83\xC2\xA9"};
  static const int32_t some[] = {4, 6, 7, 5, 6, 8, 3, 4};
  text = vocabulary_text(VOCABULARY_BPE, bytes, 9, some, 8);
  assert_string_equal(text, "a \xEF\xBF\xBD"
                            "a\xC3\xA9 <unk>");
  free(text);
}

static void letters_of_bytes(void **state) {
  (void)state;
  for (int b = 0; b < 256; b++) assert_int_equal(bpe_byte(bpe_letter((unsigned char)b)), b);
  assert_int_equal(bpe_letter(' '), 0x120);
  assert_int_equal(bpe_letter(0), 0x100);
  assert_int_equal(bpe_letter(0xAD), 0x143);
  assert_int_equal(bpe_byte(0x144), -1);
  assert_int_equal(bpe_byte(' '), -1);
}

/* --- wrong files -------------------------------------------------------------------------------------------------- */

static void expect_refused(Status status, const char *words) {
  assert_int_equal(status, BAD_INPUT);
  if (!strstr(status_message(), words)) fail_msg("'%s' does not say '%s'", status_message(), words);
}

static void wrong_files(void **state) {
  (void)state;
  Pieces p;
  expect_refused(wordpiece(&p, "[UNK]\na\n\nb\n"), "vocab.txt:3: is empty; a piece was expected");
  expect_refused(wordpiece(&p, "[UNK]\na\nb\na\n"), "vocab.txt:4: 'a' is in line 2 already");
  expect_refused(wordpiece(&p, "[UNK]\n\xFF\n"), "vocab.txt:2: is not UTF-8");
  expect_refused(wordpiece(&p, "a\nb\n"), "vocab.txt: has no piece [UNK]");
  expect_refused(wordpiece(&p, ""), "has no piece [UNK]");
  static const char *const ab = "{\"a\":0,\"b\":1,\"ab\":2,\"<s>\":3,\"a<s>\":4}";
  expect_refused(bpe(&p, "{\n\"a\":0,\n", ""), "vocab.json:3: not JSON");
  expect_refused(bpe(&p, "[1]", ""), "vocab.json: holds no vocabulary");
  expect_refused(bpe(&p, "{\"a\":0,\"a\":1}", ""), "vocab.json:1: not JSON: duplicate");
  expect_refused(bpe(&p, "{\"a\":0,\"b\":0}", ""), "its id 0 is that of 'a', too");
  expect_refused(bpe(&p, "{\"a\":0,\"b\":2}", ""), "'b': its id is not a whole number from 0 to 1");
  expect_refused(bpe(&p, "{\"a\":0,\"\":1}", ""), "id 1: a piece of 1 to");
  expect_refused(bpe(&p, ab, NULL), "its merges.txt was expected, too");
  expect_refused(bpe(&p, ab, "#version: 0.2\na b\n\n"), "merges.txt:3: is empty");
  expect_refused(bpe(&p, ab, "a b\nab\n"), "merges.txt:2: two pieces with a blank between were expected");
  expect_refused(bpe(&p, ab, "a b c\n"), "merges.txt:1: two pieces with a blank between");
  expect_refused(bpe(&p, ab, "a \n"), "merges.txt:1: two pieces with a blank between");
  expect_refused(bpe(&p, ab, "a b\nb a\n"), "merges.txt:2: 'ba' is not in the vocabulary");
  expect_refused(bpe(&p, ab, "a b\na b\n"), "merges.txt:2: the pair 'a' 'b' is there already");
  expect_refused(bpe(&p, ab, "a <s>\n"), "merges.txt:1: '<s>' is a special token");
#define MODEL(split, more) "{\"pre_tokenizer\":" split ",\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}" more "}}"
#define BYTES              "{\"type\":\"ByteLevel\"}"
  assert_int_equal(bpe(&p, MODEL(BYTES, ",\"merges\":[\"a b\"]"), NULL), OK);
  pieces_free(&p);
  expect_refused(bpe(&p, MODEL(BYTES, ",\"merges\":[\"a b\",[\"a\"]]"), NULL), "model.merges [1]: two pieces");
  expect_refused(bpe(&p, MODEL(BYTES, ",\"type\":\"Unigram\""), NULL), "model.type is Unigram; BPE was expected");
  expect_refused(bpe(&p, MODEL(BYTES, ",\"end_of_word_suffix\":\"</w>\""), NULL), "model.end_of_word_suffix");
  expect_refused(bpe(&p, MODEL("{\"type\":\"Whitespace\"}", ""), NULL), "pre_tokenizer is not GPT-2's");
  expect_refused(bpe(&p, MODEL(BYTES, ""), "a b\n"), "holds its merges itself");
  expect_refused(pieces_read(&p, VOCABULARY_WORDPIECE, "/nonexistent/vocab.txt", NULL), "/nonexistent/vocab.txt");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wordpiece_as_the_reference),
      cmocka_unit_test(bpe_as_the_reference),
      cmocka_unit_test(special_tokens),
      cmocka_unit_test(words_of_a_hundred_characters),
      cmocka_unit_test(text_is_cleaned),
      cmocka_unit_test(letters_of_bytes),
      cmocka_unit_test(wrong_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
