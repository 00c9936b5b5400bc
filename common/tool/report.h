/* Report: what `troupe report` and `troupe watch` read from run folders, as JSON, and the page that shows it. Runs may go on
 * while they are read: files that are missing or cut short make notes, not errors. */
#ifndef TROUPE_TOOL_REPORT_H
#define TROUPE_TOOL_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

enum { REPORT_LINES = 3000, REPORT_GROUPS = 400, REPORT_EVENTS = 6000 };

typedef enum ReportDepth {
  REPORT_BRIEF, /* without samples and timeline */
  REPORT_WHOLE
} ReportDepth;

/* One run folder: {path, stage, status, config, metrics, samples, timeline, notes}; what is not there is null. The caller frees
 * `*run`. Errors: BAD_INPUT it is no run folder. */
Status report_run(const char *path, ReportDepth depth, json_t **run);

/* Names that tell the runs apart, into each run's "name": their paths without the folders that all share. */
void report_names(json_t *runs);

/* Lines of metrics.jsonl -> {name: [value or null, ...]}, names in order of appearance. More than `limit` lines are thinned
 * evenly; lines with an evaluation stay. `*broken`: lines left out because they are no JSON objects with an iteration; a last line
 * without its end is not counted. */
json_t *report_metrics(const char *text, size_t size, int limit, int *broken);

/* Lines of samples.jsonl -> [{iteration, image, captions, rewards, advantages}], at most `limit`, evenly chosen. */
json_t *report_samples(const char *text, size_t size, int limit, int *broken);

/* YAML as config_text writes it -> {"a.b": "value"}. */
json_t *report_options(const char *yaml);
/* The same of the defaults. */
json_t *report_defaults(void);

/* Adds a note for the reader of the page. */
void report_note(json_t *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a report is of. All borrowed. */
typedef struct ReportSource {
  char **run; /* [runs]: folders */
  int runs, pictures;
  const char *images; /* as ReportGallery's folder and limit */
} ReportSource;

/* {version, made, live, defaults, runs}, owned by the caller. `live`: the page asks for newer data. Errors: a run's. */
Status report_data(const ReportSource *source, bool live, json_t **data);
/* What the gallery of these runs (of report_data) shows; owned by the caller. */
json_t *report_pictures(const ReportSource *source, const json_t *runs);

/* Serves the page on the loopback until a signal: / and /data.json. Says where on stdout. */
Status report_serve(const ReportSource *source, int port);

/* The whole page: style, scripts and `data` in one HTML text, owned by the caller. */
char *report_page(const json_t *data, size_t *size);

#endif
