/* Signals by which HDF5 ends. */
#include "common/data/h5_guard.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/status.h"

/* A sanitizer or a fuzzer wants to see them itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
#define GUARDED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GUARDED 0
#endif
#endif
#ifndef GUARDED
#define GUARDED 1
#endif

enum { SIGNALS = 4 };
static const int numbers[SIGNALS] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
static struct sigaction before[SIGNALS];
static const char *volatile guarded;
static int depth;

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(BAD_INPUT);
}

static void died(int number) {
  (void)number;
  say(log_role());
  say(": ");
  say(guarded);
  say(": is damaged: HDF5 cannot read it and died of it\n");
  _exit(BAD_INPUT);
}

void h5_guard_begin(const char *path) {
  struct sigaction action = {.sa_handler = died};
  sigemptyset(&action.sa_mask);
  if (depth++) return;
  guarded = path;
  for (int i = 0; i < SIGNALS && GUARDED; i++) sigaction(numbers[i], &action, &before[i]);
}

void h5_guard_end(void) {
  if (--depth) return;
  for (int i = 0; i < SIGNALS && GUARDED; i++) sigaction(numbers[i], &before[i], NULL);
}
