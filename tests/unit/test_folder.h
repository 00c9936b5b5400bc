/* A folder of a test program's own, as cmocka's set-up and tear-down. Included by tests only. */
#ifndef TROUPE_TESTS_TEST_FOLDER_H
#define TROUPE_TESTS_TEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[32];

static inline int folder_make(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/troupe-test-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

/* Fails when a test left something behind. */
static inline int folder_drop(void **state) {
  (void)state;
  return rmdir(folder);
}

/* With all that is in it. */
static inline int folder_remove(void **state) {
  (void)state;
  char command[64];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

#endif
