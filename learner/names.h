/* Names of enumerators: each enum of the learner comes with a NULL-terminated table of names in the order of its
 * values, which the configuration's choices repeat. */
#ifndef TROUPE_LEARNER_NAMES_H
#define TROUPE_LEARNER_NAMES_H

#include <string.h>

/* The value of that name, or -1. */
static inline int names_find(const char *const *names, const char *text) {
  for (int i = 0; names[i]; i++)
    if (strcmp(names[i], text) == 0) return i;
  return -1;
}

#endif
