/* Trace: events as lines, and their union. */
#include "common/base/trace.h"

#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"

#define SHORTEST_S 20e-6

static bool enabled;
static FILE *file;
static char *path;
static int pid;        /* the rank: a row of the viewer is a process */
static double epoch_s; /* clock_seconds() + epoch_s is the wall clock */

void trace_enable(bool on) { enabled = on; }

static void forget(const char *folder) {
  char *pattern = path_join(folder, "rank-*.jsonl");
  glob_t ranks = {0};
  if (!glob(pattern, 0, NULL, &ranks))
    for (size_t r = 0; r < ranks.gl_pathc; r++) unlink(ranks.gl_pathv[r]);
  globfree(&ranks);
  free(pattern);
}

Status trace_open(const char *run_folder, int rank, const char *role) {
  trace_close();
  if (!enabled) return OK;
  char *folder = path_join(run_folder, "trace");
  path = xasprintf("%s/rank-%d.jsonl", folder, rank);
  Status status = folder_create(folder);
  if (status == OK && rank == 0) forget(folder);
  free(folder);
  if (status == OK && !(file = fopen(path, "w")))
    status = status_set(BAD_INPUT, "%s: cannot be written: %s", path, strerror(errno));
  if (status != OK) {
    trace_close();
    return status;
  }
  pid = rank;
  epoch_s = clock_wall() - clock_seconds();
  fprintf(file, "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%d,\"args\":{\"name\":\"%s\"}}\n", pid, role);
  return OK;
}

void trace_add(double began_s, double ended_s, const char *format, ...) {
  if (!file || ended_s - began_s < SHORTEST_S) return;
  va_list arguments;
  va_start(arguments, format);
  fputs("{\"name\":\"", file);
  vfprintf(file, format, arguments);
  va_end(arguments);
  fprintf(file, "\",\"ph\":\"X\",\"pid\":%d,\"tid\":0,\"ts\":%.1f,\"dur\":%.1f}\n", pid, 1e6 * (began_s + epoch_s),
          1e6 * (ended_s - began_s));
}

void trace_close(void) {
  if (file) {
    bool failed = ferror(file);
    if (fclose(file) || failed) log_warning("%s: the trace is not complete: %s", path, strerror(errno));
  }
  file = NULL;
  free(path);
  path = NULL;
}

/* Appends the whole lines of one rank. */
static Status lines_append(FILE *to, const char *from, bool *any) {
  FILE *lines = fopen(from, "r");
  if (!lines) return status_set(BAD_INPUT, "%s: cannot be read: %s", from, strerror(errno));
  char *line = NULL;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, lines)) > 0;) {
    if (length < 2 || line[length - 1] != '\n' || line[length - 2] != '}') continue;
    fprintf(to, "%s%.*s", *any ? ",\n" : "[\n", (int)length - 1, line);
    *any = true;
  }
  free(line);
  fclose(lines);
  return OK;
}

Status trace_merge(const char *run_folder) {
  char *pattern = path_join(run_folder, "trace/rank-*.jsonl"), *merged = path_join(run_folder, "trace.json");
  char *temporary = file_temporary(merged);
  glob_t ranks = {0};
  bool any = false;
  Status status = OK;
  FILE *to = fopen(temporary, "w");
  if (!to) status = status_set(FAILED, "%s: cannot be written: %s", temporary, strerror(errno));
  if (status == OK && glob(pattern, 0, NULL, &ranks))
    status = status_set(BAD_INPUT, "%s: no such files; those of a run with --trace were expected", pattern);
  for (size_t r = 0; status == OK && r < ranks.gl_pathc; r++) status = lines_append(to, ranks.gl_pathv[r], &any);
  if (to) {
    fputs(any ? "\n]\n" : "[]\n", to);
    bool failed = ferror(to);
    if ((fclose(to) || failed) && status == OK)
      status = status_set(FAILED, "%s: cannot be written: %s", temporary, strerror(errno));
  }
  if (status == OK) status = file_commit(temporary, merged);
  else file_discard(temporary);
  globfree(&ranks);
  free(pattern);
  free(merged);
  return status;
}
