/* One line a message, written by a single write() so that the lines of several ranks do not mix. */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char role[64] = "troupe";
static int level = -1;

void log_role_set(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(role, sizeof role, format, args);
  va_end(args);
}

const char *log_role(void) { return role; }

void log_level_set(LogLevel new_level) { level = (int)new_level; }

static int level_now(void) {
  static const char *const names[] = {"error", "warning", "info", "debug"};
  if (level < 0) {
    const char *wanted = getenv("TROUPE_LOG");
    level = LOG_INFO;
    for (int i = 0; wanted && i < 4; i++)
      if (strcmp(wanted, names[i]) == 0) level = i;
  }
  return level;
}

static void log_line(LogLevel line_level, const char *format, va_list args) {
  static const char *const mark[] = {"", "warning: ", "", "debug: "};
  static const char *const colour[] = {"\033[31m", "\033[33m", "", "\033[2m"};
  if ((int)line_level > level_now()) return;
  char line[4096];
  int coloured = isatty(STDERR_FILENO) && !getenv("NO_COLOR") && colour[line_level][0];
  int n = snprintf(line, sizeof line, "%s: %s%s", role, coloured ? colour[line_level] : "", mark[line_level]);
  int m = vsnprintf(line + n, sizeof line - (size_t)n - 8, format, args);
  int room = (int)sizeof line - n - 9;
  size_t end = (size_t)(n + (m < 0 ? 0 : m > room ? room : m));
  if (coloured) end += (size_t)snprintf(line + end, 6, "\033[0m");
  line[end++] = '\n';
  if (write(STDERR_FILENO, line, end) < 0) return; /* nowhere left to say it */
}

#define DEFINE_LOG(name, line_level)    \
  void name(const char *format, ...) {  \
    va_list args;                       \
    va_start(args, format);             \
    log_line(line_level, format, args); \
    va_end(args);                       \
  }

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
