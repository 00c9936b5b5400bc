/* Status messages, CHECK and allocation that cannot return NULL. */
#include "common/base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/log.h"

enum { MESSAGE_BYTES = 2048 };

static _Thread_local char message[MESSAGE_BYTES];
static void (*fatal_handler)(void);

Status status_set(Status code, const char *format, ...) {
  char text[MESSAGE_BYTES]; /* the arguments may point into `message` */
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  memcpy(message, text, sizeof message);
  return code;
}

Status status_prefix(Status code, const char *format, ...) {
  char prefix[512];
  va_list args;
  va_start(args, format);
  vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  return status_set(code, "%s: %s", prefix, message);
}

const char *status_message(void) { return message; }

void fatal_handler_set(void (*handler)(void)) { fatal_handler = handler; }

static __attribute__((noreturn)) void fatal(void) {
  void (*handler)(void) = fatal_handler;
  fatal_handler = NULL; /* a failure within it ends here */
  log_error("%s", message);
  if (handler) handler();
  abort();
}

void check_failed(const char *condition, const char *file, int line) {
  status_set(FAILED, "bug: %s:%d: CHECK(%s) does not hold", file, line, condition);
  fatal();
}

static void *checked(void *block, unsigned long bytes) {
  if (block || bytes == 0) return block;
  status_set(FAILED, "out of memory: %lu bytes were asked for", bytes);
  fatal();
}

void *xmalloc(unsigned long bytes) { return checked(malloc(bytes ? bytes : 1), bytes); }
void *xcalloc(unsigned long count, unsigned long bytes) {
  return checked(calloc(count ? count : 1, bytes ? bytes : 1), count * bytes);
}
void *xrealloc(void *block, unsigned long bytes) { return checked(realloc(block, bytes ? bytes : 1), bytes); }

/* By pages of 4 KiB, touching 32 MiB for the first time takes longer than sending them does. */
void *aligned_new(unsigned long bytes) {
  const unsigned long line = 64, huge_page = 2 << 20, rounded = (bytes + line - 1) / line * line;
  bool large = bytes >= 2 * huge_page;
  void *block = NULL;
  if (posix_memalign(&block, large ? huge_page : line, rounded)) return NULL;
#ifdef MADV_HUGEPAGE
  if (large) (void)madvise(block, rounded / huge_page * huge_page, MADV_HUGEPAGE); /* without them it works as well */
#endif
  return block;
}

void *xaligned(unsigned long bytes) { return checked(aligned_new(bytes), bytes); }

char *xstrdup(const char *text) {
  size_t bytes = strlen(text) + 1;
  return memcpy(xmalloc(bytes), text, bytes);
}

char *xasprintf(const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  CHECK(length >= 0);
  char *text = xmalloc((size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}
