/* Nearest: by edit distance, the first of those that are equally near. */
#include "common/base/nearest.h"

#include <stddef.h>
#include <string.h>

static int edit_distance(const char *a, const char *b) {
  enum { LONGEST = 64 };
  int n = (int)strlen(a), m = (int)strlen(b), row[LONGEST + 1];
  if (n > LONGEST || m > LONGEST) return LONGEST;
  for (int j = 0; j <= m; j++) row[j] = j;
  for (int i = 1; i <= n; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= m; j++) {
      int best = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[m];
}

Nearest nearest_begin(const char *typed) { return (Nearest){typed, NULL, 1 + (int)strlen(typed) / 3}; }

void nearest_take(Nearest *nearest, const char *name, int distance) {
  if (distance > nearest->limit) return;
  nearest->limit = distance - 1;
  nearest->found = name;
}

void nearest_try(Nearest *nearest, const char *name) {
  nearest_take(nearest, name, edit_distance(nearest->typed, name));
}
