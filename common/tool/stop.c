/* Signals that ask to stop. */
#include "common/tool/stop.h"

#include <signal.h>
#include <stddef.h>

enum { SIGNALS = 3 };
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[SIGNALS];
static volatile sig_atomic_t noted;

static void note(int signal) {
  (void)signal;
  noted = 1;
}

void stop_watch(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
  noted = 0;
  for (int i = 0; i < SIGNALS; i++) {
    sigaction(numbers[i], NULL, &before[i]);
    if (before[i].sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
  }
}

bool stop_wanted(void) { return noted; }

void stop_forget(void) {
  for (int i = 0; i < SIGNALS; i++) sigaction(numbers[i], &before[i], NULL);
}
