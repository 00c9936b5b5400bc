/* Names: a list of strings with a hash table over it (open addressing, FNV-1a): string -> number in order of arrival. */
#ifndef TROUPE_DATA_NAMES_H
#define TROUPE_DATA_NAMES_H

#include <stddef.h>
#include <stdint.h>

typedef struct Names {
  char **text; /* [count], owned */
  int count, room;
  int32_t *slot; /* number + 1, 0 = empty; slots is a power of two */
  size_t slots;
} Names; /* {0} is an empty list */

void names_free(Names *names); /* idempotent */
/* The number of the `length` bytes at `text`, or -1. */
int names_find(const Names *names, const char *text, size_t length);
/* The same, added when it is not there. */
int names_intern(Names *names, const char *text, size_t length);
/* Adds it whether it is there or not; of equal strings the first is found. */
void names_append(Names *names, const char *text, size_t length);

#endif
