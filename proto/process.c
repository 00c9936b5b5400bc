/* Linux's /proc tells who lives here. */
#include "proto/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* State letter and start time of a process; false when there is none. */
static bool process_stat(int pid, char *state, uint64_t *started) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file) return false;
  size_t size = fread(line, 1, sizeof line - 1, file);
  fclose(file);
  line[size] = 0;
  /* the name in parentheses may hold anything: fields are counted from the last ')' */
  char *at = strrchr(line, ')');
  if (!at || at[1] != ' ') return false;
  *state = at[2];
  at += 1; /* the space before field 3; field 22 is the start time */
  for (int field = 3; field < 22 && at; field++) at = strchr(at + 1, ' ');
  if (!at) return false;
  *started = strtoull(at, NULL, 10);
  return true;
}

static void machine_self(char machine[HASH_TEXT]) {
  char boot[64] = "", space[64] = "";
  machine[0] = 0;
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  size_t size = file ? fread(boot, 1, sizeof boot - 1, file) : 0;
  if (file) fclose(file);
  ssize_t length = readlink("/proc/self/ns/pid", space, sizeof space - 1);
  if (!size || length <= 0) return;
  Hasher *hasher = hash_begin();
  hash_add_text(hasher, boot);
  hash_add_text(hasher, space);
  hash_end(hasher, machine);
}

void process_self(ProcessName *name) {
  *name = (ProcessName){.pid = (int32_t)getpid()};
  if (gethostname(name->host, sizeof name->host - 1) != 0) strcpy(name->host, "unknown");
  char state;
  if (process_stat(name->pid, &state, &name->started)) machine_self(name->machine);
}

bool process_gone(const ProcessName *name) {
  static char here[HASH_TEXT];
  if (!here[0]) machine_self(here);
  if (!here[0] || strcmp(here, name->machine) != 0 || name->pid <= 0) return false;
  char state;
  uint64_t started;
  if (!process_stat(name->pid, &state, &started)) return access("/proc/self/stat", R_OK) == 0;
  return started != name->started || state == 'Z' || state == 'X';
}
