/* Options: what the command lines of the verbs share. */
#ifndef TROUPE_TOOL_OPTIONS_H
#define TROUPE_TOOL_OPTIONS_H

#include "common/base/status.h"

/* A whole number in [least, most]. Errors (BAD_INPUT) name the option and what was expected. */
Status option_integer(const char *option, const char *text, long least, long most, long *value);

/* After getopt_long (with opterr = 0 and a ':' first) returned '?' or ':': says which option is wrong. */
Status option_fault(char **argv, int result);

/* Says the message of a failure on stderr as `troupe VERB: message`; returns the exit code. */
int verb_fail(const char *verb, Status status);

#endif
