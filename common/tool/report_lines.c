/* .jsonl texts of runs that may still be written. */
#include "common/tool/report_lines.h"

#include <string.h>

json_t *report_lines(const char *text, size_t size, bool (*good)(const json_t *line), int *broken) {
  json_t *lines = json_array();
  *broken = 0;
  for (const char *at = text, *end = text + size; at < end;) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((stop ? stop : end) - at);
    json_t *line = json_loadb(at, length, 0, NULL);
    if (json_is_object(line) && good(line)) json_array_append(lines, line);
    else if (stop && length) ++*broken;
    json_decref(line);
    at += length + 1;
  }
  return lines;
}
