/* Groups of samples of a run. */
#include "common/tool/report.h"
#include "common/tool/report_lines.h"

static bool are_numbers(const json_t *list, size_t count) {
  size_t i;
  json_t *value;
  if (!json_is_array(list) || json_array_size(list) != count) return false;
  json_array_foreach((json_t *)list, i, value) if (!json_is_number(value) && !json_is_null(value)) return false;
  return true;
}

static bool is_group(const json_t *line) {
  const json_t *captions = json_object_get(line, "captions");
  size_t count = json_array_size(captions), i;
  json_t *text;
  json_array_foreach((json_t *)captions, i, text) if (!json_is_string(text)) return false;
  return count && json_is_integer(json_object_get(line, "iteration")) &&
         json_is_string(json_object_get(line, "image")) && are_numbers(json_object_get(line, "rewards"), count) &&
         are_numbers(json_object_get(line, "advantages"), count);
}

json_t *report_samples(const char *text, size_t size, int limit, int *broken) {
  json_t *all = report_lines(text, size, is_group, broken);
  size_t count = json_array_size(all), most = (size_t)limit;
  if (count <= most) return all;
  json_t *kept = json_array();
  for (size_t i = 0; i < most; i++) /* the first and the last among them */
    json_array_append(kept, json_array_get(all, most > 1 ? i * (count - 1) / (most - 1) : count - 1));
  json_decref(all);
  return kept;
}
