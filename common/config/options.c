/* How one option is found, parsed and printed. */
#include "common/config/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/nearest.h"

const Option *option_find(const char *path) {
  char weight[160];
  snprintf(weight, sizeof weight, "%s.weight", path);
  for (int i = 0; i < option_count; i++)
    if (strcmp(option_table[i].path, path) == 0 || strcmp(option_table[i].path, weight) == 0) return &option_table[i];
  return NULL;
}

const char *option_nearest(const char *path) {
  Nearest nearest = nearest_begin(path);
  for (int i = 0; i < option_count; i++) {
    const char *leaf = strrchr(option_table[i].path, '.');
    if (!strchr(path, '.') && strcmp(leaf + 1, path) == 0) nearest_take(&nearest, option_table[i].path, 1);
    nearest_try(&nearest, option_table[i].path);
  }
  return nearest.found;
}

static bool choice_has(const char *choices, const char *value) {
  size_t n = strlen(value);
  const char *p = choices;
  while (n && p) {
    if (strncmp(p, value, n) == 0 && (p[n] == '|' || p[n] == 0)) return true;
    p = strchr(p, '|');
    if (p) p++;
  }
  return false;
}

static Status not_possible(const Option *option, const char *value, const char *expected) {
  return status_set(BAD_INPUT, "%s: '%s' is not possible; %s was expected", option->path, value, expected);
}

static Status bad_number(const Option *option, const char *value) {
  char expected[128];
  snprintf(expected, sizeof expected, "a %snumber from %.9g to %.9g", option->type == OPTION_INT ? "whole " : "",
           option->low, option->high);
  return not_possible(option, value, expected);
}

static Status store_bool(const Option *option, bool *field, const char *value) {
  static const char *const truths[] = {"true", "yes", "on"}, *const lies[] = {"false", "no", "off"};
  for (int i = 0; i < 3; i++) {
    bool truth = strcasecmp(value, truths[i]) == 0;
    if (!truth && strcasecmp(value, lies[i]) != 0) continue;
    *field = truth;
    return OK;
  }
  return not_possible(option, value, "true or false");
}

Status option_store(const Option *option, Config *config, const char *value) {
  void *field = (char *)config + option->field;
  char *end;
  errno = 0;
  switch (option->type) {
    case OPTION_INT: {
      long number = strtol(value, &end, 10);
      if (end == value || *end || errno || (double)number < option->low || (double)number > option->high)
        return bad_number(option, value);
      *(int *)field = (int)number;
      break;
    }
    case OPTION_SEED: {
      unsigned long long number = strtoull(value, &end, 10);
      if (end == value || *end || errno || strchr(value, '-'))
        return not_possible(option, value, "a whole number from 0 to 2^64 - 1");
      *(uint64_t *)field = number;
      break;
    }
    case OPTION_REAL: {
      double number = strtod(value, &end);
      if (end == value || *end || !(number >= option->low && number <= option->high)) return bad_number(option, value);
      *(double *)field = number;
      break;
    }
    case OPTION_BOOL: return store_bool(option, field, value);
    case OPTION_CHOICE:
    case OPTION_TEXT: {
      if (option->choices && !choice_has(option->choices, value)) {
        char expected[160];
        snprintf(expected, sizeof expected, "one of %s", option->choices);
        return not_possible(option, value, expected);
      }
      char *old = *(char **)field;
      *(char **)field = xstrdup(value); /* value may be the old one */
      free(old);
    }
  }
  return OK;
}

/* The escape of a character of three bytes that stands at `text`, or NULL: line breaks U+2028 and U+2029, and what is no
 * character. */
static const char *escape_of(const char *text) {
  static const char *const escapes[][2] = {
      {"\xE2\x80\xA8", "\\L"}, {"\xE2\x80\xA9", "\\P"}, {"\xEF\xBF\xBE", "\\uFFFE"}, {"\xEF\xBF\xBF", "\\uFFFF"}};
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
    if (strncmp(text, escapes[i][0], 3) == 0) return escapes[i][1];
  return NULL;
}

/* YAML's double-quoted form. What YAML would refuse, or take for a line break and fold, is escaped. */
static char *quoted(const char *text) {
  char *out = xmalloc(4 * strlen(text) + 3), *p = out;
  *p++ = '"';
  while (*text) {
    unsigned char c = (unsigned char)*text;
    if (c < ' ' || c == 127) {
      p += sprintf(p, "\\x%02X", c);
      text++;
    } else if (c == 0xC2 && (unsigned char)text[1] < 0xA0) { /* U+0080..U+009F, more control characters */
      p += sprintf(p, "\\x%02X", (unsigned char)text[1]);
      text += 2;
    } else if (escape_of(text)) {
      p = stpcpy(p, escape_of(text));
      text += 3;
    } else {
      if (c == '"' || c == '\\') *p++ = '\\';
      *p++ = *text++;
    }
  }
  *p++ = '"';
  *p = 0;
  return out;
}

/* The shortest decimal that reads back the same. */
static char *real_text(double number) {
  for (int digits = 6;; digits++) {
    char *text = xasprintf("%.*g", digits, number);
    if (digits >= 17 || strtod(text, NULL) == number) return text;
    free(text);
  }
}

char *option_text(const Option *option, const Config *config) {
  const void *field = (const char *)config + option->field;
  switch (option->type) {
    case OPTION_INT: return xasprintf("%d", *(const int *)field);
    case OPTION_SEED: return xasprintf("%llu", (unsigned long long)*(const uint64_t *)field);
    case OPTION_BOOL: return xstrdup(*(const bool *)field ? "true" : "false");
    case OPTION_REAL: return real_text(*(const double *)field);
    case OPTION_CHOICE:
      if (option->choices) return xstrdup(*(char *const *)field);
      break;
    case OPTION_TEXT: break;
  }
  return quoted(*(char *const *)field);
}
