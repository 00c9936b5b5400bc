/* JSON by jansson: reading with errors that name file and line, writing atomically, one line for .jsonl files. */
#ifndef TROUPE_BASE_JSON_H
#define TROUPE_BASE_JSON_H

#include <jansson.h>

#include "common/base/status.h"

/* Parses a whole file (duplicate keys are errors). `*root` is owned by the caller (json_decref). */
Status json_read(const char *path, json_t **root);

/* Writes indented JSON atomically. Borrows root. NaN and infinity become null before they get here: json_number. */
Status json_write(const char *path, const json_t *root);

/* Appends compact JSON as one line. Borrows root. */
Status json_append(const char *path, const json_t *root);

/* A new real, or null when the value is not finite. */
json_t *json_number(double value);

/* A new string of text that may come from outside (file names): what is not UTF-8 has '?' for each byte above 127. */
json_t *json_text(const char *text);

#endif
