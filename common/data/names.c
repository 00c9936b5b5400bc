/* A list of strings with a hash table. */
#include "common/data/names.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/status.h"

static size_t hash_of(const char *text, size_t length) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001B3u;
  return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the string, or the empty one where it belongs. */
static size_t slot_of(const Names *names, const char *text, size_t length) {
  size_t at = hash_of(text, length) & (names->slots - 1);
  while (names->slot[at]) {
    const char *other = names->text[names->slot[at] - 1];
    if (strncmp(other, text, length) == 0 && other[length] == 0) break;
    at = (at + 1) & (names->slots - 1);
  }
  return at;
}

static void grow(Names *names) {
  names->slots = names->slots ? names->slots * 2 : 64;
  free(names->slot);
  names->slot = xcalloc(names->slots, sizeof *names->slot);
  for (int i = 0; i < names->count; i++) {
    size_t at = slot_of(names, names->text[i], strlen(names->text[i]));
    if (!names->slot[at]) names->slot[at] = i + 1;
  }
}

void names_free(Names *names) {
  for (int i = 0; i < names->count; i++) free(names->text[i]);
  free(names->text);
  free(names->slot);
  *names = (Names){0};
}

int names_find(const Names *names, const char *text, size_t length) {
  return names->slots ? names->slot[slot_of(names, text, length)] - 1 : -1;
}

void names_append(Names *names, const char *text, size_t length) {
  if ((size_t)(names->count + 1) * 2 > names->slots) grow(names);
  if (names->count == names->room) {
    names->room = names->room ? names->room * 2 : 64;
    names->text = xrealloc(names->text, (size_t)names->room * sizeof *names->text);
  }
  size_t at = slot_of(names, text, length);
  char *copy = xmalloc(length + 1);
  memcpy(copy, text, length);
  copy[length] = 0;
  names->text[names->count++] = copy;
  if (!names->slot[at]) names->slot[at] = names->count;
}

int names_intern(Names *names, const char *text, size_t length) {
  int found = names_find(names, text, length);
  if (found >= 0) return found;
  names_append(names, text, length);
  return names->count - 1;
}
