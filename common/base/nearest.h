/* Nearest: which of some names a mistyped one was meant to be. */
#ifndef TROUPE_BASE_NEAREST_H
#define TROUPE_BASE_NEAREST_H

typedef struct Nearest {
  const char *typed, *found; /* borrowed; found: NULL when none is near */
  int limit;                 /* the most edits that the next one to be found may be away */
} Nearest;

Nearest nearest_begin(const char *typed);
void nearest_try(Nearest *nearest, const char *name);
/* The same for a name that is known to be `distance` edits away. */
void nearest_take(Nearest *nearest, const char *name, int distance);

#endif
