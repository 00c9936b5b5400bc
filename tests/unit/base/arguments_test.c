/* Command lines by table: values, bounds, errors that name the option, --help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/arguments.h"

typedef struct Values {
  bool json;
  const char *out;
  ArgumentList split;
  int beam;
  long seed;
  double penalty;
} Values;

/* Parses the words after the verb; leftover words are counted in *rest. */
static Status parse(Values *v, char **words, int *rest) {
  const Argument table[] = {{"json", 0, ARGUMENT_FLAG, &v->json, 0, 0, NULL, "as JSON"},
                            {"out", 0, ARGUMENT_TEXT, &v->out, 0, 0, "F", "a file"},
                            {"split", 0, ARGUMENT_LIST, &v->split, 0, 0, "S", "first\nsecond"},
                            {"beam", 'b', ARGUMENT_INTEGER, &v->beam, 1, 64, "K", "width"},
                            {"seed", 0, ARGUMENT_LONG, &v->seed, 0, 1e18, "S", "seed"},
                            {"penalty", 'p', ARGUMENT_NUMBER, &v->penalty, 0, 4, "P", "penalty"},
                            {0}};
  int argc = 0, first;
  while (words[argc]) argc++;
  Status status = arguments_parse("usage: troupe verb\n", table, argc, words, &first);
  if (rest) *rest = first ? argc - first : -1;
  return status;
}

#define WORDS(...) ((char *[]){(char[]){"verb"}, __VA_ARGS__, NULL})
#define W(text)    ((char[]){text})

static void test_values(void **state) {
  (void)state;
  Values v = {.beam = 1};
  int rest;
  char **words = WORDS(W("one"), W("--beam"), W("3"), W("--json"), W("--split=a"), W("two"), W("--split"), W("b"),
                       W("-p0.5"), W("--seed"), W("5000000000"), W("--out"), W("f"), W("--"), W("--json"));
  assert_int_equal(parse(&v, words, &rest), OK);
  assert_int_equal(rest, 3); /* one, two, --json */
  assert_true(v.json && v.beam == 3 && v.seed == 5000000000 && v.penalty == 0.5 && strcmp(v.out, "f") == 0);
  assert_true(v.split.count == 2 && strcmp(v.split.text[0], "a") == 0 && strcmp(v.split.text[1], "b") == 0);
  v = (Values){.beam = 1}; /* again: the same words give the same */
  assert_int_equal(parse(&v, words, &rest), OK);
  assert_true(rest == 3 && v.beam == 3 && v.split.count == 2 && v.json);
}

static void test_errors(void **state) {
  (void)state;
  const struct {
    char **words;
    const char *message;
  } rows[] = {
      {WORDS(W("--beam"), W("2.5")), "--beam: '2.5'; a whole number from 1 to 64 was expected"},
      {WORDS(W("--beam"), W("0")), "--beam: '0'; a whole"},
      {WORDS(W("--beam=65")), "--beam: '65'; a whole"},
      {WORDS(W("-b"), W("many")), "-b: 'many'; a whole"},
      {WORDS(W("--beam"), W("")), "--beam: ''; a whole"},
      {WORDS(W("--seed"), W("99999999999999999999")), "--seed: '99999999999999999999'; a whole"},
      {WORDS(W("--penalty"), W("nan")), "--penalty: 'nan'; a number from 0 to 4 was expected"},
      {WORDS(W("--penalty"), W("1x")), "--penalty: '1x'; a number"},
      {WORDS(W("--out")), "--out: a value was expected"},
      {WORDS(W("--none")), "--none: no such option; see troupe verb --help"},
      {WORDS(W("--bean"), W("3")), "--bean: no such option; did you mean --beam? See troupe verb --help"},
      {WORDS(W("--json=yes")), "--json=yes: --json takes no value"},
      {WORDS(W("-z")), "-z: no such option; see troupe verb --help"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    Values v = {.beam = 1};
    assert_int_equal(parse(&v, rows[i].words, NULL), BAD_INPUT);
    if (strncmp(status_message(), rows[i].message, strlen(rows[i].message)) != 0)
      fail_msg("'%s' instead of '%s'", status_message(), rows[i].message);
  }
  static char option[] = "--split=x";
  char *many[ARGUMENT_LIST_MAX + 3] = {W("verb")};
  for (int i = 1; i <= ARGUMENT_LIST_MAX + 1; i++) many[i] = option;
  Values v = {0};
  assert_int_equal(parse(&v, many, NULL), BAD_INPUT);
}

static void test_help(void **state) {
  (void)state;
  Values v = {.beam = 1};
  int rest, saved = dup(STDOUT_FILENO);
  char text[600] = "";
  FILE *file = tmpfile();
  assert_non_null(file);
  fflush(stdout);
  dup2(fileno(file), STDOUT_FILENO);
  Status status = parse(&v, WORDS(W("--beam"), W("0"), W("--help")), &rest);
  fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  rewind(file);
  assert_true(fread(text, 1, sizeof text - 1, file) > 0);
  fclose(file);
  assert_true(status == OK && rest == -1 && v.beam == 1);
  assert_non_null(strstr(text, "usage: troupe verb\n\n  --json                  as JSON\n"));
  assert_non_null(strstr(text, "\n  --split S               first\n                          second\n"));
  assert_non_null(strstr(text, "\n  -b, --beam K            width\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_errors),
                                     cmocka_unit_test(test_help)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
