/* ompi-server, started and ended. */
#include "common/tool/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { NOT_FOUND = 127 };
static const double start_s = 20, look_s = 0.02;

static _Noreturn void child_run(const char *file) {
  setpgid(0, 0); /* a terminal's ^C is for the ranks, which still need it */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  int nothing = open("/dev/null", O_RDWR);
  if (nothing >= 0) dup2(nothing, STDIN_FILENO), dup2(nothing, STDOUT_FILENO);
  execlp("ompi-server", "ompi-server", "--no-daemonize", "-r", file, (char *)NULL);
  _exit(errno == ENOENT ? NOT_FOUND : FAILED);
}

static bool written(const char *file) {
  struct stat info;
  return stat(file, &info) == 0 && info.st_size > 0;
}

Status server_start(const char *file, pid_t *server) {
  int waited;
  unlink(file);
  *server = fork();
  if (*server == 0) child_run(file);
  if (*server < 0) return status_set(FAILED, "ompi-server cannot be started: %s", strerror(errno));
  for (double limit = clock_seconds() + start_s; clock_seconds() < limit; clock_sleep(look_s)) {
    if (written(file)) return OK;
    if (waitpid(*server, &waited, WNOHANG) == 0) continue;
    if (WIFEXITED(waited) && WEXITSTATUS(waited) == NOT_FOUND)
      return status_set(
          BAD_INPUT,
          "actors.joinable: ompi-server is not on PATH; it was expected beside mpirun (Debian: openmpi-bin)");
    return status_set(FAILED, "actors.joinable: ompi-server ended as soon as it was started");
  }
  server_stop(*server, file);
  return status_set(FAILED, "actors.joinable: ompi-server did not write its address to %s within %.0f s", file,
                    start_s);
}

void server_stop(pid_t server, const char *file) {
  kill(server, SIGTERM);
  for (int i = 0; i < 100 && waitpid(server, NULL, WNOHANG) == 0; i++) clock_sleep(look_s);
  kill(server, SIGKILL);
  waitpid(server, NULL, 0);
  unlink(file);
}
