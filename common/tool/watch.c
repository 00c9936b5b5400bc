/* troupe watch: a run in the terminal until it ends. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/arguments.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/tool/report.h"
#include "common/tool/verbs.h"
#include "common/tool/watch.h"

static const char *const usage =
    "usage: troupe watch RUN [options]\n\n"
    "Shows how a run goes on, in the terminal: progress, its metrics as sparklines, ranks; ends when the run ends. Where the output\n"
    "is no terminal, a line for each tenth of the run. Exit code 0: it finished or was stopped; 1: it failed, or wrote nothing for\n"
    "--patience seconds.\n";

typedef struct Watch {
  const char *run;
  double every, patience, began;
  bool once, tty;
  WatchStyle style;
  int lines, tenth; /* of the last frame; of the last line */
} Watch;

/* When the run last wrote anything, on the wall clock; `never` when it has not. */
static double written_at(const char *folder, double never) {
  static const char *const files[] = {"status.json", "metrics.jsonl"};
  double latest = 0;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char *path = path_join(folder, files[i]);
    struct stat info;
    if (stat(path, &info) == 0) latest = fmax(latest, (double)info.st_mtime);
    free(path);
  }
  return latest > 0 ? latest : never;
}

static bool speaks_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
  }
  return false;
}

static int columns(void) {
  struct winsize size;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Over the last frame. */
static void frame_show(Watch *watch, const json_t *run) {
  watch->style.columns = columns();
  char *frame = watch_frame(run, &watch->style);
  if (watch->lines) printf("\033[%dA\033[J", watch->lines);
  fputs(frame, stdout);
  fflush(stdout);
  watch->lines = 0;
  for (const char *at = frame; *at; at++) watch->lines += *at == '\n';
  free(frame);
}

static void line_show(Watch *watch, const json_t *run) {
  int tenth = (int)(10 * watch_done(run));
  if (tenth == watch->tenth && !watch_ended(run)) return;
  watch->tenth = tenth;
  char *line = watch_line(run);
  printf("%s\n", line);
  fflush(stdout);
  free(line);
}

static Status look(Watch *watch, bool *ended) {
  json_t *run, *runs;
  TRY(report_run(watch->run, REPORT_BRIEF, &run));
  runs = json_pack("[o]", run);
  report_names(runs);
  watch->style.silence = (double)time(NULL) - written_at(watch->run, watch->began);
  if (watch->tty || watch->once) frame_show(watch, run);
  else line_show(watch, run);
  Status status = OK;
  *ended = watch_ended(run) || watch->once;
  if (strcmp(watch_phase(run), "failed") == 0) status = status_set(FAILED, "%s: the run failed", watch->run);
  else if (!*ended && watch->style.silence > watch->patience)
    status = status_set(FAILED, "%s: has written nothing for %.0f s; a run that goes on was expected", watch->run,
                        watch->style.silence);
  json_decref(runs);
  return status;
}

static Status watch_run(Watch *watch) {
  watch->tty = isatty(STDOUT_FILENO);
  watch->style.color = watch->tty && !getenv("NO_COLOR");
  watch->style.unicode = speaks_utf8();
  for (bool ended = false; !ended;) {
    TRY(look(watch, &ended));
    if (!ended) clock_sleep(watch->every);
  }
  return OK;
}

int verb_watch(int argc, char **argv) {
  Watch watch = {.every = 1, .patience = 600, .began = (double)time(NULL), .tenth = -1};
  int first = 0;
  const Argument table[] = {
      {"every", 0, ARGUMENT_NUMBER, &watch.every, 0.05, 3600, "S", "seconds between two looks (default 1)"},
      {"patience", 0, ARGUMENT_NUMBER, &watch.patience, 0, 1e9, "S",
       "ends when the run is silent for so long (default 600)"},
      {"once", 0, ARGUMENT_FLAG, &watch.once, 0, 0, NULL, "one look, whether the run has ended or not"},
      {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  if (status == OK && first && first + 1 != argc)
    status = status_set(BAD_INPUT, "one run folder was expected; see troupe watch --help");
  if (status == OK && first) {
    watch.run = argv[first];
    status = watch_run(&watch);
  }
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
