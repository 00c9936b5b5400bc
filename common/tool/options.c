/* What the command lines of the verbs share. */
#include "common/tool/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

Status option_integer(const char *option, const char *text, long least, long most, long *value) {
  char *end;
  errno = 0;
  *value = strtol(text, &end, 10);
  if (!errno && end != text && !*end && *value >= least && *value <= most) return OK;
  return status_set(BAD_INPUT, "%s: '%s'; a whole number from %ld to %ld was expected", option, text, least, most);
}

Status option_fault(char **argv, int result) {
  const char *given = argv[optind - 1];
  if (result == ':') return status_set(BAD_INPUT, "%s: a value was expected", given);
  return status_set(BAD_INPUT, "%s: no such option; see troupe %s --help", given, argv[0]);
}

int verb_fail(const char *verb, Status status) {
  fprintf(stderr, "troupe %s: %s\n", verb, status_message());
  return (int)status;
}
