/* In place of common/base/{clock,crc32c}.c, proto/process.c and of calls that would reach the real machine from every simulated rank. */
#include "tests/smpi/stand_in.h"

#include <math.h>
#include <mpi.h>
#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "common/base/clock.h"
#include "proto/process.h"

#define MEMORY_BYTES_PER_S 6e9 /* copying and its checksum, measured: 32 MiB in 5.3 ms */
#define YIELD_S            50e-6

static double growth, longest_s, slept_until, last_sleep_s;

void stand_in_sleeps(double grow, double longest) { growth = grow, longest_s = longest; }

/* --- hosts that fail ------------------------------------------------------------------------------------------------- */

#define NEVER_S 1e6

enum { FAILURES_MAX = 8 };
static struct { double down, up; } failure[FAILURES_MAX];
static int failures;

bool stand_in_failures(const char *path) {
  char host[MPI_MAX_PROCESSOR_NAME], process[HOST_TEXT], name[HOST_TEXT];
  int length, rank;
  double down, up;
  MPI_Get_processor_name(host, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  snprintf(process, sizeof process, "rank%d", rank);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  while (failures < FAILURES_MAX && fscanf(file, "%64s %lf %lf", name, &down, &up) == 3)
    if (strcmp(name, host) == 0 || strcmp(name, process) == 0)
      failure[failures].down = down, failure[failures++].up = up;
  fclose(file);
  return true;
}

/* Until the host is there again, if it is gone at this moment; if that is never, until all the others have ended (SMPI takes
 * messages to a process that has ended for a bug of the program). */
static void be_gone(void) {
  for (int f = 0; f < failures; f++) {
    double now = simgrid_get_clock();
    if (now < failure[f].down || now >= failure[f].up) continue;
    sg_actor_sleep_for((isfinite(failure[f].up) ? failure[f].up : NEVER_S) - now);
    if (isinf(failure[f].up)) sg_actor_exit();
  }
}

/* --- processes ------------------------------------------------------------------------------------------------------- */

void process_self(ProcessName *name) {
  char host[MPI_MAX_PROCESSOR_NAME];
  int length, rank;
  MPI_Get_processor_name(host, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  *name = (ProcessName){.pid = rank + 1, .started = 1};
  snprintf(name->host, sizeof name->host, "%.*s", (int)sizeof name->host - 1, host);
  snprintf(name->machine, sizeof name->machine, "%.*s", (int)sizeof name->machine - 1, host);
}

/* Whose process has ended is found by its silence, as on another machine. */
bool process_gone(const ProcessName *name) {
  (void)name;
  return false;
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static void pass(double seconds) {
  sg_actor_sleep_for(seconds);
  be_gone();
}

void stand_in_compute(double seconds) { pass(seconds); }

double clock_seconds(void) {
  be_gone();
  return simgrid_get_clock();
}

double clock_wall(void) { return clock_seconds(); }

void clock_sleep(double seconds) {
  bool again = clock_seconds() - slept_until < 1e-4;
  if (again) seconds = fmax(seconds, fmin(growth * last_sleep_s, longest_s));
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
