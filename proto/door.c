/* MPI_Comm_accept in a thread, MPI_Comm_connect. */
#include "proto/door.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "proto/world.h"

enum { WAITING_MAX = 64 }; /* let in and not yet told of; above that the thread waits */
/* retry_s: after an error of MPI. A waiting MPI_Comm_accept takes a quarter of a core (Open MPI 4.1.4), a look at a file none. */
static const double look_s = 0.2, retry_s = 1;

static struct {
  pthread_mutex_t lock; /* of what follows */
  MPI_Comm waiting[WAITING_MAX];
  int count;
  bool knocked, shut;
  /* of the thread, once it runs */
  char port[MPI_MAX_PORT_NAME];
  char *port_file, *knock_file; /* owned; NULL: no door */
  pthread_t thread;
  bool runs; /* the thread, until it is joined */
} door = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *mpi_text(int code, char text[MPI_MAX_ERROR_STRING]) {
  int length;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) text[0] = 0;
  return text;
}

/* --- the learner's side ------------------------------------------------------------------------------------------- */

static bool put(MPI_Comm comm) {
  pthread_mutex_lock(&door.lock);
  bool room = door.count < WAITING_MAX;
  if (room) door.waiting[door.count++] = comm;
  pthread_mutex_unlock(&door.lock);
  return room;
}

/* Waits for a knock. False: the door was shut. */
static bool knock_heard(void) {
  for (bool heard = false;; clock_sleep(look_s)) {
    heard = unlink(door.knock_file) == 0;
    pthread_mutex_lock(&door.lock);
    bool shut = door.shut;
    door.knocked |= heard && !shut;
    pthread_mutex_unlock(&door.lock);
    if (heard || shut) return !shut;
  }
}

static void *let_in(void *unused) {
  char text[MPI_MAX_ERROR_STRING];
  while (knock_heard()) {
    MPI_Comm comm;
    int code = MPI_Comm_accept(door.port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &comm);
    if (code != MPI_SUCCESS) {
      log_warning("an actor cannot join: MPI_Comm_accept: %s", mpi_text(code, text));
      clock_sleep(retry_s);
      continue;
    }
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    while (!put(comm)) clock_sleep(retry_s);
    clock_sleep(look_s); /* it takes its knock away, where an accept that had waited for another one let it in */
  }
  return unused;
}

/* Signals are the main thread's. */
static int thread_start(void) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&door.thread, NULL, let_in, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return error;
}

Status door_open(const char *folder) {
  char text[MPI_MAX_ERROR_STRING];
  CHECK(!door.port_file);
  TRY(folder_create(folder));
  int code = MPI_Open_port(MPI_INFO_NULL, door.port);
  if (code != MPI_SUCCESS) return status_set(FAILED, "actors.joinable: MPI_Open_port: %s", mpi_text(code, text));
  door.knock_file = path_join(folder, "knock");
  unlink(door.knock_file); /* of an earlier run */
  door.port_file = path_join(folder, "port");
  TRY(file_write_atomic(door.port_file, door.port, strlen(door.port)));
  int error = thread_start();
  door.runs = !error;
  return error ? status_set(FAILED, "actors.joinable: no thread: %s", strerror(error)) : OK;
}

MPI_Comm door_next(void) {
  MPI_Comm comm = MPI_COMM_NULL;
  pthread_mutex_lock(&door.lock);
  if (door.count) {
    comm = door.waiting[0];
    memmove(door.waiting, door.waiting + 1, (size_t)--door.count * sizeof comm);
  }
  pthread_mutex_unlock(&door.lock);
  return comm;
}

bool door_shut(void) {
  pthread_mutex_lock(&door.lock);
  bool knocked = door.knocked;
  door.shut = true;
  pthread_mutex_unlock(&door.lock);
  if (door.port_file) unlink(door.port_file);
  if (door.runs && knocked) pthread_detach(door.thread);
  else if (door.runs) pthread_join(door.thread, NULL);
  door.runs = false;
  return !knocked;
}

/* --- the joining process's side ----------------------------------------------------------------------------------- */

/* Two that connect at once may both wait for ever (Open MPI 4.1.4). Freed by close, or by this process's death. */
static int queue(const char *folder) {
  char *path = path_join(folder, "lock");
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0 || flock(file, LOCK_EX))
    log_warning("%s: cannot be locked: %s; joining all the same", path, strerror(errno));
  free(path);
  return file;
}

static Status connect_to(const char *port_file, const char *knock_file, MPI_Comm *learner) {
  char *port, text[MPI_MAX_ERROR_STRING];
  size_t size;
  TRY(file_read(port_file, MPI_MAX_PORT_NAME - 1, &port, &size));
  Status status = file_write_atomic(knock_file, "", 0);
  int code = status == OK ? MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, learner) : MPI_SUCCESS;
  free(port);
  unlink(knock_file); /* when it was not heard: another one's accept let this one in */
  if (code != MPI_SUCCESS) return status_set(FAILED, "MPI_Comm_connect: %s; is the run over?", mpi_text(code, text));
  if (status == OK) MPI_Comm_set_errhandler(*learner, MPI_ERRORS_RETURN);
  return status;
}

Status door_enter(const char *folder, double limit_s, MPI_Comm *learner) {
  char *port_file = path_join(folder, "port"), *knock_file = path_join(folder, "knock");
  Status status = OK;
  if (!file_exists(port_file)) {
    status = status_set(BAD_INPUT, "%s: there is none; a run with actors.joinable: true that goes on was expected",
                        port_file);
  } else {
    world_watchdog(limit_s, FAILED,
                   "troupe: the learner did not let this actor in in time (actors.start_timeout_s): has it ended?\n");
    int file = queue(folder);
    status = connect_to(port_file, knock_file, learner);
    if (file >= 0) close(file);
    world_watchdog(0, 0, NULL);
  }
  free(port_file);
  free(knock_file);
  return status;
}
