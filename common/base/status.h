/* Status: how a function says that the outside world is not as it should be.
 *
 * A function that can fail because of files, YAML, HDF5, messages or options returns a Status and leaves one
 * line for the user in a per-thread buffer: which file, which key or line, what was expected. The value is
 * also the program's exit code. A bug in troupe itself is not a Status: CHECK stops the program. */
#ifndef TROUPE_BASE_STATUS_H
#define TROUPE_BASE_STATUS_H

typedef enum Status {
  OK = 0,
  FAILED = 1,    /* the work failed: disk full, a peer gone, NaN loss */
  BAD_INPUT = 2, /* wrong usage or input: a file, an option, a shape */
} Status;

/* Keeps the message and returns `code`, so that `return status_set(BAD_INPUT, "%s:%d: ...", ...)` reads well. */
Status status_set(Status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message kept so far and returns `code`: context added on the way up. */
Status status_prefix(Status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The message of this thread's last failure ("" before any). Borrowed; the next status_set overwrites it. */
const char *status_message(void);

/* Passes a failure on to the caller. */
#define TRY(call)                              \
  do {                                         \
    Status try_status_ = (call);               \
    if (try_status_ != OK) return try_status_; \
  } while (0)

/* Keeps the failure in `status` and jumps to the clean-up at `label`. */
#define TRY_OR(label, status, call) \
  do {                              \
    (status) = (call);              \
    if ((status) != OK) goto label; \
  } while (0)

/* Stops the program on a bug of its own. Never for input. */
#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) check_failed(#condition, __FILE__, __LINE__); \
  } while (0)

__attribute__((noreturn)) void check_failed(const char *condition, const char *file, int line);

/* malloc, calloc, realloc and strdup that stop the program when memory is out (through the handler of the main,
 * so that peers do not hang). Free with free(). */
void *xmalloc(unsigned long bytes);
void *xcalloc(unsigned long count, unsigned long bytes);
void *xrealloc(void *block, unsigned long bytes);
void *xaligned(unsigned long bytes);    /* to 64 bytes; large blocks by huge pages where the kernel gives them */
void *aligned_new(unsigned long bytes); /* the same; NULL: out of memory */
char *xstrdup(const char *text);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Called by check_failed and by xmalloc's failure, with their words in status_message(), before abort(): each MPI main
 * sets one that ends its peers. */
void fatal_handler_set(void (*handler)(void));

#endif
