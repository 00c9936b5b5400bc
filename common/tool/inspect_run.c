/* What a run folder holds: its state, its checkpoints, the last line of its metrics. */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/tool/inspect.h"

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Names of the checkpoints in order; each is owned by the caller, like the list. */
static char **checkpoints_list(const char *folder, int *count) {
  DIR *entries = opendir(folder);
  char **names = NULL;
  *count = 0;
  for (struct dirent *entry; entries && (entry = readdir(entries));) {
    size_t n = strlen(entry->d_name);
    if (n < 4 || strcmp(entry->d_name + n - 3, ".h5") != 0) continue;
    names = xrealloc(names, (size_t)(*count + 1) * sizeof *names);
    names[(*count)++] = xstrdup(entry->d_name);
  }
  if (entries) closedir(entries);
  if (names) qsort(names, (size_t)*count, sizeof *names, by_name);
  return names;
}

static json_t *checkpoint_line(const char *name, const json_t *facts, Status status) {
  json_t *line = json_pack("{s:s,s:b}", "file", name, "verified", status == OK);
  static const char *const kept[] = {"stage", "iteration", "weights_hash", "best"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    json_t *value = json_object_get(facts, kept[i]);
    if (value) json_object_set(line, kept[i], value);
  }
  if (status != OK) json_object_set_new(line, "error", json_text(status_message()));
  return line;
}

/* Takes facts of the newest checkpoint (the link latest, else the last numbered one) up to the run. */
static void newest_take(json_t *facts, const json_t *one) {
  static const char *const kept[] = {"stage",           "iteration",    "epoch",  "weights_hash",
                                     "vocabulary_size", "dataset_hash", "encoder"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    json_t *value = json_object_get(one, kept[i]);
    if (value) json_object_set(facts, kept[i], value);
  }
}

static Status checkpoints_read(const char *folder, json_t *facts) {
  char target[256] = "", *link = path_join(folder, "latest");
  ssize_t n = readlink(link, target, sizeof target - 1);
  target[n > 0 ? n : 0] = 0;
  free(link);
  int count;
  char **names = checkpoints_list(folder, &count);
  json_t *lines = json_array();
  Status worst = OK;
  char *message = NULL;
  for (int i = 0; i < count; i++) {
    char *path = path_join(folder, names[i]);
    json_t *one = json_object();
    Status status = inspect_checkpoint(path, one);
    json_array_append_new(lines, checkpoint_line(names[i], one, status));
    bool newest = *target ? strcmp(path_name(target), names[i]) == 0 : strcmp(names[i], "best.h5") != 0;
    if (newest) newest_take(facts, one);
    if (status != OK && !message) message = xstrdup(status_message());
    if (status != OK) worst = FAILED;
    json_decref(one);
    free(path);
    free(names[i]);
  }
  free(names);
  json_object_set_new(facts, "checkpoints", lines);
  if (message) status_set(worst, "%s", message);
  free(message);
  return worst;
}

static void metrics_read(const char *path, json_t *facts) {
  char *bytes;
  size_t size;
  if (!file_exists(path) || file_read(path, 0, &bytes, &size) != OK) return;
  json_int_t lines = 0;
  char *last = NULL;
  for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) lines++, last = line;
  json_object_set_new(facts, "metrics_lines", json_integer(lines));
  json_t *value = last ? json_loads(last, 0, NULL) : NULL; /* a line cut by a kill is no error here */
  if (value) json_object_set_new(facts, "last_metrics", value);
  free(bytes);
}

Status inspect_run(const char *path, json_t *facts) {
  char *config = path_join(path, "config.yaml"), *status_file = path_join(path, "status.json");
  char *metrics = path_join(path, "metrics.jsonl"), *checkpoints = path_join(path, "checkpoints");
  Status status = OK;
  json_t *state = NULL;
  if (!file_exists(config) && !file_exists(status_file) && !folder_exists(checkpoints))
    status = status_set(
        BAD_INPUT, "%s: is a folder, but not of a run: config.yaml, status.json or checkpoints/ was expected", path);
  if (status == OK && file_exists(status_file)) status = json_read(status_file, &state);
  if (state) json_object_set_new(facts, "status", state);
  if (status == OK) {
    metrics_read(metrics, facts);
    status = checkpoints_read(checkpoints, facts);
  }
  free(config), free(status_file), free(metrics), free(checkpoints);
  return status;
}
