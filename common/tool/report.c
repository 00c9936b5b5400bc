/* troupe report: one HTML page of one or several runs. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/tool/report.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe report RUN... [options]\n\n"
    "Writes one HTML page, which needs no network and no other file: curves of the runs over each other, a table of the runs\n"
    "with the options in which they differ, the ranks' timeline (in detail of a run with --trace), and a gallery of pictures:\n"
    "captions before and after training, where the policy looked at each word, and the groups of samples. Captions are made by\n"
    "the runs' checkpoints, for pictures of the validation split and those of samples. Runs may go on meanwhile.\n";

typedef struct Options {
  ReportSource source;
  const char *out;
  int port; /* -1: a file */
} Options;

static Status report_write(const Options *o) {
  json_t *data;
  TRY(report_data(&o->source, false, &data));
  json_object_set_new(data, "gallery", report_pictures(&o->source, json_object_get(data, "runs")));
  size_t size;
  char *html = report_page(data, &size), *own = o->source.runs == 1 ? path_join(o->source.run[0], "report.html") : NULL;
  const char *out = o->out ? o->out : own ? own : "report.html";
  Status status = file_write_atomic(out, html, size);
  if (status == OK) printf("%s\n", out);
  json_decref(data);
  free(html);
  free(own);
  return status;
}

int verb_report(int argc, char **argv) {
  Options options = {.source.pictures = 24, .port = -1};
  int first = 0;
  const Argument table[] = {{"out", 0, ARGUMENT_TEXT, &options.out, 0, 0, "FILE",
                             "the page (default: RUN/report.html; of several runs report.html here)"},
                            {"pictures", 0, ARGUMENT_INTEGER, &options.source.pictures, 0, 1000, "N",
                             "of the validation split in the gallery, and as many with samples (default 24)"},
                            {"images", 0, ARGUMENT_TEXT, &options.source.images, 0, 0, "FOLDER",
                             "the picture files (default: looked for beside the dataset)"},
                            {"serve", 0, ARGUMENT_INTEGER, &options.port, 0, 65535, "PORT",
                             "serves the page on 127.0.0.1, kept up to date, until Ctrl-C (0: any free port)"},
                            {0}};
  Status status = arguments_parse(usage, table, argc, argv, &first);
  options.source.run = argv + first;
  options.source.runs = argc - first;
  if (status == OK && options.port >= 0 && options.out)
    status = status_set(BAD_INPUT, "--serve and --out exclude each other; one of them was expected");
  if (status == OK && first && !options.source.runs)
    status = status_set(BAD_INPUT, "RUN... was expected: run folders; see troupe report --help");
  if (status == OK && first)
    status = options.port >= 0 ? report_serve(&options.source, options.port) : report_write(&options);
  if (status != OK) log_error("%s", status_message());
  return (int)status;
}
