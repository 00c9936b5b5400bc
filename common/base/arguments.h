/* Arguments: values of command-line options, with errors that name the option and what was expected. */
#ifndef TROUPE_BASE_ARGUMENTS_H
#define TROUPE_BASE_ARGUMENTS_H

#include <stdbool.h>

#include "common/base/status.h"

/* A number in [low, high]. */
Status argument_number(const char *option, const char *text, double low, double high, double *value);

/* A whole number in [low, high]. */
Status argument_integer(const char *option, const char *text, long low, long high, long *value);

/* After getopt_long (with opterr = 0 and a ':' first) returned '?' or ':': says which option is wrong. argv[0]: the
 * verb. */
Status argument_fault(char **argv, int result);

/* Is --help or -h among them? */
bool argument_help(int argc, char **argv);

#endif
