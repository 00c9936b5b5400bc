/* Options of a run, flat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/config/config.h"
#include "common/tool/report.h"

enum { DEPTH = 8, PATH = 256 };

/* "key: value" of one line, its depth by its indentation of two blanks; a section has no value. */
static void line_take(json_t *options, size_t ends[DEPTH], char path[PATH], const char *line, size_t length) {
  size_t indent = strspn(line, " "), depth = indent / 2;
  const char *key = line + indent, *colon = memchr(key, ':', length > indent ? length - indent : 0);
  if (!colon || depth >= DEPTH) return;
  size_t start = depth ? ends[depth - 1] : 0, size = (size_t)(colon - key);
  if (start + size + 2 > PATH) return;
  if (start) path[start++] = '.';
  memcpy(path + start, key, size);
  path[start + size] = 0;
  ends[depth] = start + size;
  const char *value = colon + 1, *end = line + length;
  while (value < end && *value == ' ') value++;
  if (value < end && *value == '"' && end[-1] == '"' && end - value >= 2) value++, end--;
  else if (value == end) return;
  char *text = xasprintf("%.*s", (int)(end - value), value);
  json_object_set_new(options, path, json_text(text));
  free(text);
}

json_t *report_options(const char *yaml) {
  json_t *options = json_object();
  size_t ends[DEPTH] = {0};
  char path[PATH];
  for (const char *line = yaml; *line;) {
    size_t length = strcspn(line, "\n");
    line_take(options, ends, path, line, length);
    line += length + (line[length] == '\n');
  }
  return options;
}

json_t *report_defaults(void) {
  Config config;
  config_init(&config);
  char *text = config_text(&config, false);
  json_t *options = report_options(text);
  free(text);
  config_free(&config);
  return options;
}
