/* MPI_Init, MPI_Finalize, MPI_Abort. */
#include "proto/world.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { ABORT_LIMIT_S = 10 };

static int *roles; /* [world_size] */

/* --- the watchdog ------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t watchdog_code;
static const char *volatile watchdog_words; /* what to say, or NULL */

static void watchdog_bites(int signal_number) {
  (void)signal_number;
  const char *words = watchdog_words;
  if (words && write(STDERR_FILENO, words, strlen(words)) < 0) _exit(watchdog_code);
  _exit(watchdog_code);
}

void world_watchdog(double limit_s, int exit_code, const char *words) {
  watchdog_code = exit_code;
  watchdog_words = words;
  struct sigaction action = {.sa_handler = watchdog_bites};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {.it_value = {(time_t)limit_s, limit_s > 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* --- start ---------------------------------------------------------------------------------------------------------- */

int world_rank(void) {
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int world_size(void) {
  int size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

static Status start(Role role, bool threads, double limit_s) {
  int mine = role, provided;
  world_watchdog(
      limit_s, FAILED,
      "troupe: the ranks did not meet in time (MPI_Init; actors.start_timeout_s): one of them died at its start\n");
  if (MPI_Init_thread(NULL, NULL, threads ? MPI_THREAD_MULTIPLE : MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
    return status_set(FAILED, "MPI cannot be started: MPI_Init_thread failed");
  roles = xcalloc((size_t)world_size(), sizeof *roles);
  MPI_Allgather(&mine, 1, MPI_INT, roles, 1, MPI_INT, MPI_COMM_WORLD); /* the only collective call between the two */
  world_watchdog(0, 0, NULL);
  return OK;
}

Status world_start(Role role, bool threads, double limit_s) {
  int initialised = 0, provided = 0;
  MPI_Initialized(&initialised);
  if (!initialised) TRY(start(role, threads, limit_s));
  signal(SIGPIPE, SIG_IGN); /* a TCP peer that died must not kill us */
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  MPI_Query_thread(&provided);
  if (!threads || provided >= MPI_THREAD_MULTIPLE) return OK;
  return status_set(BAD_INPUT, "actors.joinable: this MPI was built without MPI_THREAD_MULTIPLE, which it needs");
}

/* "1 learner, 3 actors": the ranks in their order. */
static void roles_text(char *text, size_t size) {
  size_t used = 0;
  text[0] = 0;
  for (int first = 0, ranks = world_size(), end; first < ranks && used + 48 < size; first = end) {
    for (end = first; end < ranks && roles[end] == roles[first];) end++;
    used += (size_t)snprintf(text + used, size - used, "%s%d %s%s", first ? ", " : "", end - first,
                             roles[first] == ROLE_LEARNER ? "learner" : "actor", end - first > 1 ? "s" : "");
  }
}

Status world_layout(int learners, bool actors) {
  int leading = 0, all = 0, ranks = world_size();
  if (!roles) return OK;
  while (leading < ranks && roles[leading] == ROLE_LEARNER) leading++;
  for (int r = 0; r < ranks; r++) all += roles[r] == ROLE_LEARNER;
  bool right = leading == all && leading > 0 && (learners == 0 || leading == learners);
  if (right && actors == (all < ranks)) return OK;
  char text[200];
  roles_text(text, sizeof text);
  if (learners == 0) learners = 1;
  return status_set(BAD_INPUT,
                    "the ranks are %s, in this order; expected with learner.ranks %d: mpirun -np %d "
                    "troupe-learner %s",
                    text, learners, learners, actors ? "CONFIG : -np N troupe-actor CONFIG" : "--pretrain CONFIG");
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

void world_finalize(double limit_s, int exit_code) {
  fflush(NULL);
  world_watchdog(limit_s, exit_code, NULL);
  MPI_Finalize();
  world_watchdog(0, 0, NULL);
  free(roles);
  roles = NULL;
}

void world_library(char *text, int size) {
  char library[MPI_MAX_LIBRARY_VERSION_STRING];
  int length;
  MPI_Get_library_version(library, &length);
  snprintf(text, (size_t)size, "%s", library);
}

/* A rank that ends before MPI_Init would hold the others up in theirs. */
void world_abort(void) {
  int initialised = 0, finalised = 0;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  world_watchdog(ABORT_LIMIT_S, FAILED, NULL);
  if (!initialised) initialised = MPI_Init(NULL, NULL) == MPI_SUCCESS;
  if (initialised && !finalised) MPI_Abort(MPI_COMM_WORLD, FAILED);
  _exit(FAILED);
}
