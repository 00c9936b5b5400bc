/* Values of command-line options. */
#include "common/base/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

Status argument_number(const char *option, const char *text, double low, double high, double *value) {
  char *end;
  *value = strtod(text, &end);
  if (end != text && !*end && *value >= low && *value <= high) return OK;
  return status_set(BAD_INPUT, "%s: '%s'; a number from %g to %g was expected", option, text, low, high);
}

Status argument_integer(const char *option, const char *text, long low, long high, long *value) {
  char *end;
  errno = 0;
  *value = strtol(text, &end, 10);
  if (!errno && end != text && !*end && *value >= low && *value <= high) return OK;
  return status_set(BAD_INPUT, "%s: '%s'; a whole number from %ld to %ld was expected", option, text, low, high);
}

Status argument_fault(char **argv, int result) {
  const char *given = argv[optind - 1];
  if (result == ':') return status_set(BAD_INPUT, "%s: a value was expected", given);
  return status_set(BAD_INPUT, "%s: no such option; see troupe %s --help", given, argv[0]);
}

bool argument_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
  return false;
}
