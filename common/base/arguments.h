/* Arguments: the command lines of the verbs. A table with a row an option drives parsing, bounds, errors that name the
 * option and what was expected, and the lines of --help. */
#ifndef TROUPE_BASE_ARGUMENTS_H
#define TROUPE_BASE_ARGUMENTS_H

#include <stdbool.h>

#include "common/base/status.h"

/* What `value` points at. */
typedef enum ArgumentKind {
  ARGUMENT_FLAG,    /* bool: becomes true */
  ARGUMENT_TEXT,    /* const char *: borrowed from argv */
  ARGUMENT_LIST,    /* ArgumentList: may be given several times */
  ARGUMENT_INTEGER, /* int */
  ARGUMENT_LONG,    /* long */
  ARGUMENT_NUMBER   /* double */
} ArgumentKind;

enum { ARGUMENT_LIST_MAX = 16, ARGUMENTS_MAX = 40 };

typedef struct ArgumentList {
  int count;
  const char *text[ARGUMENT_LIST_MAX];
} ArgumentList;

typedef struct Argument {
  const char *name; /* "beam" for --beam; NULL ends a table */
  char letter;      /* 'n' for -n as well, or 0 */
  ArgumentKind kind;
  void *value;
  double low, high;  /* bounds of numbers, inclusive */
  const char *place; /* what stands for the value in --help; NULL for flags */
  const char *help;
} Argument;

/* Stores the options and moves everything else behind them: argv[*first] on. With --help or -h among them, prints `usage`
 * and the table on stdout instead, and *first is 0. Errors (BAD_INPUT) name the option. argv[0]: the verb. */
Status arguments_parse(const char *usage, const Argument *table, int argc, char **argv, int *first);

/* A whole number in [low, high]; `option` is named in the error. */
Status argument_integer(const char *option, const char *text, double low, double high, long *value);

/* Is --help or -h among them? */
bool argument_help(int argc, char **argv);

#endif
