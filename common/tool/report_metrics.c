/* Metrics of a run as columns. */
#include <string.h>

#include "common/tool/report.h"
#include "common/tool/report_lines.h"

static bool has_iteration(const json_t *line) { return json_is_integer(json_object_get(line, "iteration")); }

static bool has_evaluation(json_t *line) {
  const char *name;
  json_t *value;
  json_object_foreach(line, name, value) if (strncmp(name, "eval/", 5) == 0) return true;
  return false;
}

static json_t *thinned(const json_t *lines, int limit) {
  json_t *kept = json_array(), *line;
  size_t count = json_array_size(lines), stride = (count + (size_t)limit - 1) / (size_t)limit, i;
  json_array_foreach((json_t *)lines, i, line) if (i % stride == 0 || i + 1 == count || has_evaluation(line))
      json_array_append(kept, line);
  return kept;
}

json_t *report_metrics(const char *text, size_t size, int limit, int *broken) {
  json_t *all = report_lines(text, size, has_iteration, broken), *columns = json_object(), *line, *value;
  json_t *lines = json_array_size(all) > (size_t)limit ? thinned(all, limit) : json_incref(all);
  size_t i;
  const char *name;
  json_array_foreach(lines, i, line) {
    json_object_foreach(line, name, value) {
      json_t *column = json_object_get(columns, name);
      if (!column) json_object_set_new(columns, name, column = json_array());
      while (json_array_size(column) < i) json_array_append_new(column, json_null());
      json_array_append_new(column, json_is_number(value) ? json_incref(value) : json_null());
    }
  }
  json_object_foreach(columns, name, value) while (json_array_size(value) < json_array_size(lines))
      json_array_append_new(value, json_null());
  json_decref(lines);
  json_decref(all);
  return columns;
}
