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
#include "common/tool/report_gallery.h"
#include "common/tool/verbs.h"

static const char *const usage =
    "usage: troupe report RUN... [options]\n\n"
    "Writes one HTML page, which needs no network and no other file: curves of the runs over each other, a table of the runs\n"
    "with the options in which they differ, the ranks' timeline (in detail of a run with --trace), and a gallery of pictures:\n"
    "captions before and after training, where the policy looked at each word, and the groups of samples. Captions are made by\n"
    "the runs' checkpoints, for pictures of the validation split and those of samples. Runs may go on meanwhile.\n";

typedef struct Options {
  const char *out, *images;
  int pictures;
  char **run;
  int runs;
} Options;

static Status data_read(const Options *o, json_t **data) {
  json_t *runs = json_array();
  for (int i = 0; i < o->runs; i++) {
    json_t *run;
    Status status = report_run(o->run[i], REPORT_WHOLE, &run);
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

static json_t *gallery_make(const Options *o, const json_t *runs) {
  ReportGallery gallery;
  report_gallery_init(&gallery, o->images, o->pictures);
  for (int i = 0; i < o->runs; i++) report_gallery_add(&gallery, json_array_get(runs, (size_t)i), i);
  json_t *json = report_gallery_json(&gallery);
  report_gallery_free(&gallery);
  return json;
}

static Status report_write(const Options *o) {
  json_t *data;
  TRY(data_read(o, &data));
  json_object_set_new(data, "gallery", gallery_make(o, json_object_get(data, "runs")));
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
  Options options = {.pictures = 24};
  int first = 0;
  const Argument table[] = {{"out", 0, ARGUMENT_TEXT, &options.out, 0, 0, "FILE",
                             "the page (default: RUN/report.html; of several runs report.html here)"},
                            {"pictures", 0, ARGUMENT_INTEGER, &options.pictures, 0, 1000, "N",
                             "of the validation split in the gallery, and as many with samples (default 24)"},
                            {"images", 0, ARGUMENT_TEXT, &options.images, 0, 0, "FOLDER",
                             "the picture files (default: looked for beside the dataset)"},
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
