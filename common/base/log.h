/* Log: lines for people on stderr, each opened by the program's role ("learner", "actor 3", "troupe prepare").
 * Levels by log_level_set or TROUPE_LOG=error|warning|info|debug; colour only on a TTY and without NO_COLOR. */
#ifndef TROUPE_BASE_LOG_H
#define TROUPE_BASE_LOG_H

typedef enum LogLevel { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

void log_role_set(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *log_role(void);
void log_level_set(LogLevel level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
