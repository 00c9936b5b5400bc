/* troupe report: one HTML page of one or several runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/version.h"
#include "common/tool/report.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe report RUN... [options]\n\n"
    "Writes one HTML page, which needs no network and no other file: curves of the runs over each other, a table of the runs\n"
    "with the options in which they differ, the ranks' timeline, and the groups of samples that the runs kept. Runs may go\n"
    "on meanwhile.\n";

typedef struct Options {
  const char *out;
  char **run;
  int runs;
} Options;

static Status data_read(const Options *o, json_t **data) {
  json_t *runs = json_array();
  for (int i = 0; i < o->runs; i++) {
    json_t *run;
    Status status = report_run(o->run[i], &run);
    if (status != OK) {
      json_decref(runs);
      return status;
    }
    json_array_append_new(runs, run);
  }
  report_names(runs);
  *data = json_pack("{s:s, s:I, s:o, s:o}", "version", TROUPE_VERSION, "made", (json_int_t)time(NULL), "defaults",
                    report_defaults(), "runs", runs);
  return OK;
}

static Status report_write(const Options *o) {
  json_t *data;
  TRY(data_read(o, &data));
  size_t size;
  char *html = report_page(data, &size), *own = o->runs == 1 ? path_join(o->run[0], "report.html") : NULL;
  const char *out = o->out ? o->out : own ? own : "report.html";
  Status status = file_write_atomic(out, html, size);
  if (status == OK) printf("%s\n", out);
  json_decref(data);
  free(html);
  free(own);
  return status;
}

int verb_report(int argc, char **argv) {
  Options options = {0};
  int first = 0;
  const Argument table[] = {{"out", 0, ARGUMENT_TEXT, &options.out, 0, 0, "FILE",
                             "the page (default: RUN/report.html; of several runs report.html here)"},
                            {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  options.run = argv + first;
  options.runs = argc - first;
  if (status == OK && first && !options.runs)
    status = status_set(BAD_INPUT, "RUN... was expected: run folders; see troupe report --help");
  if (status == OK && first) status = report_write(&options);
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
