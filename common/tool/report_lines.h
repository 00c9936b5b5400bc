/* Report lines: the JSON objects of a .jsonl text, one a line. */
#ifndef TROUPE_TOOL_REPORT_LINES_H
#define TROUPE_TOOL_REPORT_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* An array (owned by the caller) of the lines that are objects which `good` accepts; `*broken` counts the others, but not a
 * last line without its end: it is being written. */
json_t *report_lines(const char *text, size_t size, bool (*good)(const json_t *line), int *broken);

#endif
