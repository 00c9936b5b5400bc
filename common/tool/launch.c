/* Launch: exec of neighbours, and the parent of mpirun. */
#include "common/tool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/log.h"

char *launch_program(const char *name) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return xstrdup(name);
  self[n] = 0;
  char *folder = path_folder(self), *program = path_join(folder, name);
  free(folder);
  return program;
}

int launch_replace(const char *program, char **argv) {
  execvp(program, argv);
  log_error("%s cannot be started: %s", program, strerror(errno));
  return BAD_INPUT;
}

int launch_external(const char *name, int argc, char **argv) {
  (void)argc;
  char *file = xasprintf("troupe-%s", name), *program = launch_program(file);
  if (access(program, X_OK) == 0) execv(program, argv);
  execvp(file, argv);
  log_error("unknown verb '%s'; `troupe --help` lists them", name);
  free(file);
  free(program);
  return BAD_INPUT;
}

int launch_cores(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* --- the parent of mpirun ------------------------------------------------------------------------------------ */

static volatile sig_atomic_t signals_seen;

static void signal_note(int number) {
  (void)number;
  signals_seen++;
}

static void signals_catch(void) {
  struct sigaction action = {.sa_handler = signal_note};
  sigemptyset(&action.sa_mask);
  const int caught[] = {SIGINT, SIGTERM, SIGUSR1};
  for (int i = 0; i < 3; i++) sigaction(caught[i], &action, NULL);
}

/* When status.json was written, by its own word (0 = there is none), and the exit code in it (-1 = not yet). */
static double status_read(const char *status_file, int *exit_code) {
  json_t *root;
  *exit_code = -1;
  if (!file_exists(status_file) || json_read(status_file, &root) != OK) return 0;
  const json_t *code = json_object_get(root, "exit");
  double time = json_real_value(json_object_get(root, "time"));
  if (json_is_integer(code)) *exit_code = (int)json_integer_value(code);
  json_decref(root);
  return time;
}

/* The learner's last word. False while the run goes on, or when the file is of an earlier start: it says `before`. (No
 * comparison with this node's clock: the learner may run on another.) */
static bool run_over(const char *status_file, double before, int *exit_code) {
  int code;
  bool over = status_read(status_file, &code) != before && code >= 0;
  if (over) *exit_code = code;
  return over;
}

enum { LINGER_S = 15 }; /* a learner waits 10 s for its actors' goodbyes */

static _Noreturn void child_run(char **argv) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGUSR1); /* whatever becomes of the parent, the learner stops and saves */
  int nothing = open("/dev/null", O_RDONLY); /* a background group that reads the terminal would be stopped */
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  execvp(argv[0], argv);
  fprintf(stderr, "%s: %s cannot be started: %s\n", log_role(), argv[0], strerror(errno));
  _exit(127);
}

int launch_supervise(char **argv, const char *status_file) {
  int passed = 0, waited = 0, exit_code = FAILED, ended = 0;
  double before = status_read(status_file, &exit_code), over_since = 0;
  signals_catch();
  pid_t child = fork();
  if (child < 0) {
    log_error("cannot start %s: %s", argv[0], strerror(errno));
    return FAILED;
  }
  if (child == 0) child_run(argv);
  setpgid(child, child);
  bool over = false;
  while (waitpid(child, &waited, WNOHANG) == 0) {
    int seen = signals_seen;
    if (seen > passed) {
      log_info(seen == 1 ? "stopping at the next safe point; once more to stop at once" : "stopping at once");
      if (seen == 1) kill(child, SIGUSR1); /* mpirun forwards it to its ranks */
      else kill(-child, seen == 2 ? SIGTERM : SIGKILL);
      passed = seen;
    }
    if (!over && run_over(status_file, before, &exit_code)) over = true, over_since = clock_seconds();
    double lingering = over ? clock_seconds() - over_since : 0;
    if (lingering > LINGER_S && ended < 2) { /* a rank died: mpirun may wait for it for ever */
      kill(-child, ended == 0 ? SIGTERM : SIGKILL);
      over_since = clock_seconds();
      ended++;
    }
    clock_sleep(0.05);
  }
  if (run_over(status_file, before, &exit_code)) return exit_code;
  if (WIFEXITED(waited) && WEXITSTATUS(waited)) return WEXITSTATUS(waited) == 2 ? BAD_INPUT : FAILED;
  log_error("%s ended before the learner said how the run went; `troupe train` again resumes it", argv[0]);
  return FAILED;
}
