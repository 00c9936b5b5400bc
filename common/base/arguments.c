/* Command lines by table. */
#include "common/base/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/nearest.h"

enum { HELP_COLUMN = 26, LONG_ONLY = 256 };

static Status argument_number(const char *option, const char *text, double low, double high, double *value) {
  char *end;
  *value = strtod(text, &end);
  if (end != text && !*end && *value >= low && *value <= high) return OK;
  return status_set(BAD_INPUT, "%s: '%s'; a number from %g to %g was expected", option, text, low, high);
}

Status argument_integer(const char *option, const char *text, double low, double high, long *value) {
  char *end;
  errno = 0;
  *value = strtol(text, &end, 10);
  if (!errno && end != text && !*end && (double)*value >= low && (double)*value <= high) return OK;
  return status_set(BAD_INPUT, "%s: '%s'; a whole number from %.0f to %.0f was expected", option, text, low, high);
}

static Status list_add(const char *option, ArgumentList *list, const char *text) {
  if (list->count == ARGUMENT_LIST_MAX)
    return status_set(BAD_INPUT, "%s: given more than %d times", option, ARGUMENT_LIST_MAX);
  list->text[list->count++] = text;
  return OK;
}

static Status argument_store(const Argument *row, const char *option, const char *text) {
  long value = 0;
  switch (row->kind) {
    case ARGUMENT_FLAG: *(bool *)row->value = true; return OK;
    case ARGUMENT_TEXT: *(const char **)row->value = text; return OK;
    case ARGUMENT_LIST: return list_add(option, row->value, text);
    case ARGUMENT_LONG: return argument_integer(option, text, row->low, row->high, row->value);
    case ARGUMENT_NUMBER: return argument_number(option, text, row->low, row->high, row->value);
    case ARGUMENT_INTEGER: break;
  }
  TRY(argument_integer(option, text, row->low, row->high, &value));
  *(int *)row->value = (int)value;
  return OK;
}

static void help_print(const char *usage, const Argument *table) {
  fputs(usage, stdout);
  putchar('\n');
  for (const Argument *row = table; row->name; row++) {
    int column = row->letter ? printf("  -%c, --%s", row->letter, row->name) : printf("  --%s", row->name);
    if (row->place) column += printf(" %s", row->place);
    for (const char *line = row->help; line; column = 0) {
      size_t length = strcspn(line, "\n");
      printf("%*s%.*s\n", column < HELP_COLUMN ? HELP_COLUMN - column : 1, "", (int)length, line);
      line = line[length] ? line + length + 1 : NULL;
    }
  }
}

/* The row that getopt found, and in `text` how it was typed. */
static const Argument *row_find(const Argument *table, int found, char text[64]) {
  const Argument *row = table;
  if (found >= LONG_ONLY) row += found - LONG_ONLY;
  else
    while (row->letter != found) row++;
  if (found >= LONG_ONLY) snprintf(text, 64, "--%s", row->name);
  else snprintf(text, 64, "-%c", found);
  return row;
}

/* `typed`: what getopt did not take. */
static Status refuse(const Argument *table, const char *verb, const char *typed) {
  if (optopt >= LONG_ONLY)
    return status_set(BAD_INPUT, "%s: --%s takes no value", typed, table[optopt - LONG_ONLY].name);
  Nearest nearest = nearest_begin(typed + strspn(typed, "-"));
  for (const Argument *row = table; row->name && strncmp(typed, "--", 2) == 0; row++) nearest_try(&nearest, row->name);
  if (!nearest.found) return status_set(BAD_INPUT, "%s: no such option; see troupe %s --help", typed, verb);
  return status_set(BAD_INPUT, "%s: no such option; did you mean --%s? See troupe %s --help", typed, nearest.found,
                    verb);
}

Status arguments_parse(const char *usage, const Argument *table, int argc, char **argv, int *first) {
  struct option known[ARGUMENTS_MAX + 1] = {{0}};
  char letters[2 * ARGUMENTS_MAX + 2] = ":", option[64], *letter = letters + 1;
  *first = 0;
  if (argument_help(argc, argv)) {
    help_print(usage, table);
    return OK;
  }
  for (int i = 0; table[i].name; i++) {
    CHECK(i < ARGUMENTS_MAX);
    known[i] = (struct option){table[i].name, table[i].kind != ARGUMENT_FLAG, NULL, LONG_ONLY + i};
    if (table[i].letter) *letter++ = table[i].letter;
    if (table[i].letter && table[i].kind != ARGUMENT_FLAG) *letter++ = ':';
  }
  opterr = optind = 0;
  for (int c; (c = getopt_long(argc, argv, letters, known, NULL)) != -1;) {
    if (c == ':') return status_set(BAD_INPUT, "%s: a value was expected", argv[optind - 1]);
    if (c == '?') return refuse(table, argv[0], argv[optind - 1]);
    const Argument *row = row_find(table, c, option);
    TRY(argument_store(row, option, optarg));
  }
  *first = optind;
  return OK;
}

bool argument_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}
