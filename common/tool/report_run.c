/* One run folder as JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/tool/report.h"
#include "common/tool/report_trace.h"

void report_note(json_t *notes, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_array_append_new(notes, json_text(text));
}

/* The file's text, or NULL with a note. Owned by the caller. */
static char *text_of(const char *folder, const char *name, size_t *size, json_t *notes) {
  char *path = path_join(folder, name), *text = NULL;
  if (!file_exists(path)) report_note(notes, "%s is not there (yet)", name);
  else if (file_read(path, 0, &text, size) != OK) report_note(notes, "%s", status_message());
  free(path);
  return text;
}

typedef json_t *LinesReader(const char *text, size_t size, int limit, int *broken);

static void lines_add(json_t *run, const char *key, const char *name, LinesReader *read, int limit, json_t *notes) {
  size_t size = 0;
  int broken = 0;
  char *text = text_of(json_string_value(json_object_get(run, "path")), name, &size, notes);
  json_object_set_new(run, key, text ? read(text, size, limit, &broken) : json_null());
  if (broken) report_note(notes, "%s: %d line%s could not be read", name, broken, broken == 1 ? "" : "s");
  free(text);
}

static void config_add(json_t *run, const char *folder, json_t *notes) {
  size_t size;
  char *yaml = text_of(folder, "config.yaml", &size, notes);
  json_object_set_new(run, "config", yaml ? report_options(yaml) : json_null());
  free(yaml);
}

static void status_add(json_t *run, const char *folder, json_t *notes) {
  json_t *status = NULL;
  char *path = path_join(folder, "status.json");
  if (!file_exists(path)) report_note(notes, "status.json is not there (yet)");
  else if (json_read(path, &status) != OK) report_note(notes, "%s", status_message());
  if (status && !json_is_object(status)) {
    report_note(notes, "status.json: an object was expected");
    json_decref(status);
    status = NULL;
  }
  json_object_set_new(run, "status", status ? status : json_null());
  free(path);
}

/* Stage 2 has rewards, stage 1 a negative log-likelihood; a run that has not got so far says neither. */
static const char *stage_of(const json_t *metrics) {
  if (json_object_get(metrics, "reward")) return "train";
  return json_object_get(metrics, "nll") ? "pretrain" : "";
}

static bool is_run(const char *folder) {
  static const char *const files[] = {"config.yaml", "status.json", "metrics.jsonl"};
  bool any = false;
  for (size_t i = 0; i < sizeof files / sizeof *files && !any; i++) {
    char *path = path_join(folder, files[i]);
    any = file_exists(path);
    free(path);
  }
  return any;
}

static void details_add(json_t *run, const char *path, json_t *notes) {
  char *samples = path_join(path, "samples.jsonl");
  if (file_exists(samples)) lines_add(run, "samples", "samples.jsonl", report_samples, REPORT_GROUPS, notes);
  free(samples);
  json_object_set_new(run, "timeline", report_trace(path, REPORT_EVENTS));
}

Status report_run(const char *path, ReportDepth depth, json_t **run) {
  if (!folder_exists(path)) return status_set(BAD_INPUT, "%s: no such folder; a run folder was expected", path);
  if (!is_run(path))
    return status_set(
        BAD_INPUT, "%s: is a folder, but not of a run: config.yaml, status.json or metrics.jsonl was expected", path);
  json_t *notes = json_array();
  *run = json_object();
  json_object_set_new(*run, "path", json_text(path));
  config_add(*run, path, notes);
  status_add(*run, path, notes);
  lines_add(*run, "metrics", "metrics.jsonl", report_metrics, REPORT_LINES, notes);
  json_object_set_new(*run, "stage", json_string(stage_of(json_object_get(*run, "metrics"))));
  if (depth == REPORT_WHOLE) details_add(*run, path, notes);
  json_object_set_new(*run, "notes", notes);
  return OK;
}

static const char *path_of(const json_t *runs, size_t i) {
  return json_string_value(json_object_get(json_array_get(runs, i), "path"));
}

/* Length of the leading folders that all paths share. */
static size_t shared_folders(const json_t *runs) {
  const char *first = path_of(runs, 0);
  size_t shared = strlen(first);
  for (size_t i = 1; i < json_array_size(runs); i++) {
    const char *other = path_of(runs, i);
    size_t same = 0;
    while (same < shared && first[same] == other[same]) same++;
    shared = same;
  }
  while (shared && first[shared - 1] != '/') shared--;
  return shared;
}

/* Where the last two parts of a path begin. */
static size_t last_two(const char *path, size_t length) {
  int slashes = 0;
  size_t at = length;
  while (at && (slashes += path[at - 1] == '/') < 2) at--;
  return at;
}

void report_names(json_t *runs) {
  size_t count = json_array_size(runs), shared = count > 1 ? shared_folders(runs) : 0;
  for (size_t i = 0; i < count; i++) {
    const char *path = path_of(runs, i);
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    size_t from = count > 1 && shared < length ? shared : last_two(path, length);
    json_object_set_new(json_array_get(runs, i), "name", json_stringn(path + from, length - from));
  }
}
