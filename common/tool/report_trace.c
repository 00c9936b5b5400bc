/* Traces: events sorted, their kinds, and what each kind took less what lay within it. */
#include "common/tool/report_trace.h"

#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/json.h"
#include "common/tool/report_lines.h"

typedef enum Kind { BUSY, WAITING, TRANSFER, FRAME, KINDS } Kind;

typedef struct Event {
  double at, took; /* microseconds */
  int name;
} Event;

typedef struct Rank {
  int number;
  char *name;
  Event *events; /* [count], owned */
  size_t count;
  double share[KINDS];
} Rank;

typedef struct Trace {
  Rank *rank; /* [ranks], owned */
  int ranks;
  double from, to;
  json_t *names, *index; /* [{name, kind}]; name -> its number */
} Trace;

static const char *const kind_names[KINDS] = {"busy", "waiting", "transfer", "frame"};

/* Names are those of common/base/profile.c; others (an iteration, a rollout) hold such events. */
static Kind kind_of(const char *name) {
  static const char *const busy[] = {"decode", "reference", "reward", "forward", "backward", "optimizer", "checkpoint"};
  for (size_t i = 0; i < sizeof busy / sizeof *busy; i++)
    if (strcmp(name, busy[i]) == 0) return BUSY;
  if (strcmp(name, "idle") == 0) return WAITING;
  return strcmp(name, "send") == 0 || strcmp(name, "receive") == 0 ? TRANSFER : FRAME;
}

static Kind kind_at(const Trace *trace, int name) {
  return kind_of(json_string_value(json_object_get(json_array_get(trace->names, (size_t)name), "name")));
}

static int name_number(Trace *trace, const char *name) {
  json_t *known = json_object_get(trace->index, name);
  if (known) return (int)json_integer_value(known);
  int number = (int)json_array_size(trace->names);
  json_object_set_new(trace->index, name, json_integer(number));
  json_array_append_new(trace->names, json_pack("{s:s, s:s}", "name", name, "kind", kind_names[kind_of(name)]));
  return number;
}

static bool is_event(const json_t *line) {
  const char *phase = json_string_value(json_object_get(line, "ph"));
  if (!phase || !json_is_string(json_object_get(line, "name"))) return false;
  if (strcmp(phase, "M") == 0) return true;
  return strcmp(phase, "X") == 0 && json_is_number(json_object_get(line, "ts")) &&
         json_is_number(json_object_get(line, "dur"));
}

static int by_time(const void *a, const void *b) {
  const Event *x = a, *y = b; /* an event before those within it */
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return (x->took < y->took) - (x->took > y->took);
}

/* Each event's own time: less that of the events within it. */
static void shares_sum(const Trace *trace, Rank *rank) {
  enum { DEPTH = 16 };
  double end[DEPTH];
  Kind kind[DEPTH];
  int depth = 0;
  for (size_t i = 0; i < rank->count; i++) {
    const Event *event = &rank->events[i];
    while (depth && end[depth - 1] <= event->at) depth--;
    if (depth) rank->share[kind[depth - 1]] -= event->took / 1e6;
    Kind own = kind_at(trace, event->name);
    rank->share[own] += event->took / 1e6;
    if (depth < DEPTH) end[depth] = event->at + event->took, kind[depth++] = own;
  }
}

static void rank_read(Trace *trace, const char *path) {
  char *text;
  size_t size, i;
  int broken;
  if (file_read(path, 0, &text, &size) != OK) return; /* a run that begins anew removes them */
  json_t *lines = report_lines(text, size, is_event, &broken), *line;
  trace->rank = xrealloc(trace->rank, (size_t)(trace->ranks + 1) * sizeof *trace->rank);
  Rank *rank = &trace->rank[trace->ranks++];
  const char *dash = strrchr(path, '-');
  *rank = (Rank){.number = dash ? atoi(dash + 1) : 0, .events = xcalloc(json_array_size(lines) + 1, sizeof(Event))};
  json_array_foreach(lines, i, line) {
    json_t *role = json_object_get(json_object_get(line, "args"), "name");
    if (json_is_string(role) && !rank->name) rank->name = xstrdup(json_string_value(role));
    if (!json_object_get(line, "dur")) continue;
    Event event = {json_number_value(json_object_get(line, "ts")), json_number_value(json_object_get(line, "dur")),
                   name_number(trace, json_string_value(json_object_get(line, "name")))};
    rank->events[rank->count++] = event;
    if (trace->to == 0 || event.at < trace->from) trace->from = event.at;
    if (event.at + event.took > trace->to) trace->to = event.at + event.took;
  }
  qsort(rank->events, rank->count, sizeof *rank->events, by_time);
  shares_sum(trace, rank);
  json_decref(lines);
  free(text);
}

/* Of very many events those are left out that nobody would see. */
static json_t *events_json(const Trace *trace, const Rank *rank, size_t limit) {
  json_t *events = json_array();
  double shortest = rank->count > limit ? (trace->to - trace->from) / (2 * (double)limit) : 0;
  for (size_t i = 0; i < rank->count; i++) {
    const Event *event = &rank->events[i];
    if (event->took < shortest) continue;
    json_array_append_new(
        events, json_pack("[I, I, i]", (json_int_t)(event->at - trace->from), (json_int_t)event->took, event->name));
  }
  return events;
}

static int by_number(const void *a, const void *b) { return ((const Rank *)a)->number - ((const Rank *)b)->number; }

static json_t *trace_json(Trace *trace, int limit) {
  json_t *ranks = json_array();
  if (trace->ranks) qsort(trace->rank, (size_t)trace->ranks, sizeof *trace->rank, by_number);
  for (int r = 0; r < trace->ranks; r++) {
    Rank *rank = &trace->rank[r];
    json_array_append_new(ranks, json_pack("{s:o, s:[f, f, f], s:o}", "name", json_text(rank->name ? rank->name : "?"),
                                           "shares", rank->share[BUSY], rank->share[WAITING], rank->share[TRANSFER],
                                           "events", events_json(trace, rank, (size_t)limit)));
  }
  return json_pack("{s:f, s:O, s:o}", "span_s", (trace->to - trace->from) / 1e6, "names", trace->names, "ranks", ranks);
}

json_t *report_trace(const char *run_folder, int limit) {
  Trace trace = {.names = json_array(), .index = json_object()};
  char *pattern = path_join(run_folder, "trace/rank-*.jsonl");
  glob_t files = {0};
  if (!glob(pattern, 0, NULL, &files))
    for (size_t i = 0; i < files.gl_pathc; i++) rank_read(&trace, files.gl_pathv[i]);
  globfree(&files);
  free(pattern);
  json_t *json = trace.to > trace.from ? trace_json(&trace, limit) : json_null();
  for (int r = 0; r < trace.ranks; r++) free(trace.rank[r].name), free(trace.rank[r].events);
  free(trace.rank);
  json_decref(trace.names);
  json_decref(trace.index);
  return json;
}
