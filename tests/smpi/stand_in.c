/* In place of common/base/{clock,crc32c}.c and of calls that would reach the real machine from every simulated rank. */
#include "tests/smpi/stand_in.h"

#include <mpi.h>
#include <sys/time.h>
#include <time.h>

#include "common/base/clock.h"
#include "proto/world.h"

#define MEMORY_BYTES_PER_S 6e9   /* copying and its checksum, measured: 32 MiB in 5.3 ms */
#define LONGEST_SLEEP_S    50e-6 /* times ranks */
#define GROWTH             1.1   /* so that a wait is at most so much too long */
#define YIELD_S            50e-6

static bool is_learner;
static double slept_until, last_sleep_s;

void stand_in_learner(bool learner) { is_learner = learner; }

static void pass(double seconds) {
  struct timespec wait = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&wait, NULL);
}

void stand_in_compute(double seconds) { pass(seconds); }

double clock_seconds(void) { return MPI_Wtime(); }

void clock_sleep(double seconds) {
  bool again = !is_learner && clock_seconds() - slept_until < 1e-4;
  if (again && GROWTH * last_sleep_s > seconds) seconds = GROWTH * last_sleep_s;
  if (seconds > LONGEST_SLEEP_S * world_size()) seconds = LONGEST_SLEEP_S * world_size();
  last_sleep_s = seconds;
  pass(seconds);
  slept_until = clock_seconds();
}

/* Header fields must agree, no more. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t size) {
  (void)bytes;
  if (size >= 4096) pass((double)size / MEMORY_BYTES_PER_S);
  return crc + (uint32_t)size;
}

int stand_in_yield(void) {
  pass(YIELD_S);
  return 0;
}

int stand_in_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old) {
  (void)which, (void)value, (void)old;
  return 0;
}
