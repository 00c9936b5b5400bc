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
  log_error("%s cannot be started: %s; it was expected beside troupe", program, strerror(errno));
  return BAD_INPUT;
}

/* All that comes through `file`, with a NUL behind it. */
static char *pipe_read(int file) {
  size_t size = 0, room = 4096;
  char *text = xmalloc(room);
  for (ssize_t n; (n = read(file, text + size, room - size - 1)) > 0 || (n < 0 && errno == EINTR);) {
    size += n > 0 ? (size_t)n : 0;
    if (room - size < 2) text = xrealloc(text, room *= 2);
  }
  text[size] = 0;
  return text;
}

Status launch_output(char **argv, char **text) {
  int ends[2], waited;
  if (pipe(ends)) return status_set(FAILED, "%s: no pipe to it: %s", argv[0], strerror(errno));
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(launch_replace(argv[0], argv));
  }
  close(ends[1]);
  *text = pipe_read(ends[0]);
  close(ends[0]);
  if (child < 0 || waitpid(child, &waited, 0) < 0)
    return status_set(FAILED, "%s cannot be started: %s", argv[0], strerror(errno));
  if (!WIFEXITED(waited))
    return status_set(FAILED, "%s was ended by signal %d (%s)", argv[0], WTERMSIG(waited), strsignal(WTERMSIG(waited)));
  (void)status_set(OK, "%s", "");
  return (Status)WEXITSTATUS(waited);
}

int launch_external(const char *name, const char *nearest, int argc, char **argv) {
  (void)argc;
  char *file = xasprintf("troupe-%s", name), *program = launch_program(file);
  if (access(program, X_OK) == 0) execv(program, argv);
  execvp(file, argv);
  if (nearest) log_error("unknown verb '%s'; did you mean %s? `troupe --help` lists them", name, nearest);
  else log_error("unknown verb '%s'; `troupe --help` lists them", name);
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

/* When status.json was written, by its own word (0 = there is none), the exit code in it (-1 = not yet), and whether the
 * ranks have met. */
static double status_read(const char *status_file, int *exit_code, bool *met) {
  json_t *root;
  *exit_code = -1;
  *met = false;
  if (!file_exists(status_file) || json_read(status_file, &root) != OK) return 0;
  const json_t *code = json_object_get(root, "exit");
  const char *phase = json_string_value(json_object_get(root, "phase"));
  double time = json_real_value(json_object_get(root, "time"));
  *met = phase && strcmp(phase, "starting") != 0;
  if (json_is_integer(code)) *exit_code = (int)json_integer_value(code);
  json_decref(root);
  return time;
}

/* The learner's last word. False while the run goes on, or when the file is of an earlier start: it says `before`. (No
 * comparison with this node's clock: the learner may run on another.) */
static bool run_over(const char *status_file, double before, int *exit_code) {
  int code;
  bool met, over = status_read(status_file, &code, &met) != before && code >= 0;
  if (over) *exit_code = code;
  return over;
}

static bool ranks_met(const char *status_file, double before) {
  int code;
  bool met;
  return status_read(status_file, &code, &met) != before && met;
}

/* All ranks have ended and the learner could not say how: status.json would tell of a run that goes on. A file that this
 * start did not write stays. */
static void last_word(const char *status_file, double before, const char *phase, int exit_code, const char *message) {
  json_t *root;
  int code;
  bool met;
  if (status_read(status_file, &code, &met) == before || code >= 0 || json_read(status_file, &root) != OK) return;
  json_object_set_new(root, "phase", json_string(phase));
  json_object_set_new(root, "exit", json_integer(exit_code));
  json_object_set_new(root, "message", json_string(message));
  if (json_write(status_file, root) != OK) log_warning("%s", status_message());
  json_decref(root);
}

enum { LINGER_S = 15 }; /* a learner waits 10 s for its actors' goodbyes */

static _Noreturn void child_run(char **argv) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGUSR1);          /* whatever becomes of the parent, the learner stops and saves */
  int nothing = open("/dev/null", O_RDONLY); /* a background group that reads the terminal would be stopped */
  if (nothing >= 0) dup2(nothing, STDIN_FILENO);
  execvp(argv[0], argv);
  fprintf(stderr, "%s: %s cannot be started: %s\n", log_role(), argv[0], strerror(errno));
  _exit(127);
}

/* A command that is waited for. */
typedef struct Watched {
  pid_t child;
  const char *status_file;
  double before; /* status_read, before it started */
  bool guests;   /* the run is another command's */
  int waited, exit_code;
  bool early, stopped; /* before the ranks had met; by a signal to us */
} Watched;

/* The first signal asks for a safe end: mpirun forwards USR1 to its ranks. Not so before they have met (`early`): USR1 kills
 * a rank that has not come to its main, and the others would wait for it for ever; then nothing is there to save either. */
static void signal_pass(const Watched *w, int seen) {
  int step = seen + w->early;
  log_info(seen > 1    ? "stopping at once"
           : w->guests ? "leaving; once more to leave at once"
           : w->early  ? "stopping; no iteration had begun"
                       : "stopping at the next safe point; once more to stop at once");
  if (step == 1) kill(w->child, SIGUSR1);
  else kill(-w->child, step == 2 ? SIGTERM : SIGKILL);
}

static bool watched_start(Watched *w, char **argv) {
  bool met;
  w->before = status_read(w->status_file, &w->exit_code, &met);
  signals_catch();
  w->child = fork();
  if (w->child == 0) child_run(argv);
  if (w->child > 0) setpgid(w->child, w->child);
  else log_error("cannot start %s: %s", argv[0], strerror(errno));
  return w->child > 0;
}

static void watched_wait(Watched *w) {
  int passed = 0, ended = 0;
  bool over = false;
  double over_since = 0;
  while (waitpid(w->child, &w->waited, WNOHANG) == 0) {
    int seen = signals_seen;
    if (seen > passed) {
      if (!passed) w->early = !w->guests && !ranks_met(w->status_file, w->before);
      signal_pass(w, seen);
      passed = seen;
      w->stopped = true;
    }
    if (!over && (w->early || run_over(w->status_file, w->before, &w->exit_code)))
      over = true, over_since = clock_seconds();
    double lingering = over ? clock_seconds() - over_since : 0;
    if (lingering > LINGER_S && ended < 2) { /* a rank died: mpirun may wait for it for ever */
      kill(-w->child, ended == 0 ? SIGTERM : SIGKILL);
      over_since = clock_seconds();
      ended++;
    }
    clock_sleep(0.05);
  }
}

/* How a command ended that did not tell by status.json, in words. */
static void watched_complain(const Watched *w, const char *name, const char *otherwise) {
  char how[96];
  int number = WTERMSIG(w->waited);
  if (WIFSIGNALED(w->waited)) snprintf(how, sizeof how, "was ended by signal %d (%s)", number, strsignal(number));
  else snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(w->waited));
  log_error("%s %s before %s", name, how, otherwise);
}

int launch_supervise(char **argv, const char *status_file) {
  Watched w = {.status_file = status_file};
  if (!watched_start(&w, argv)) return FAILED;
  watched_wait(&w);
  if (w.early) {
    last_word(status_file, w.before, "stopped", OK, "stopped before the first iteration; the same command resumes");
    return OK;
  }
  if (run_over(status_file, w.before, &w.exit_code)) return w.exit_code;
  bool refused = WIFEXITED(w.waited) && WEXITSTATUS(w.waited) == BAD_INPUT;
  last_word(status_file, w.before, "failed", refused ? BAD_INPUT : FAILED,
            "the ranks ended before the learner could say why; the same command resumes");
  if (WIFEXITED(w.waited) && WEXITSTATUS(w.waited)) return refused ? BAD_INPUT : FAILED;
  watched_complain(&w, argv[0], "the learner said how the run went; the same command resumes");
  return FAILED;
}

int launch_guests(char **argv, const char *status_file) {
  Watched w = {.status_file = status_file, .guests = true};
  if (!watched_start(&w, argv)) return FAILED;
  watched_wait(&w);
  if (run_over(status_file, w.before, &w.exit_code)) return w.exit_code;
  if (w.stopped) return OK;
  if (WIFEXITED(w.waited) && WEXITSTATUS(w.waited)) return WEXITSTATUS(w.waited) == BAD_INPUT ? BAD_INPUT : FAILED;
  watched_complain(&w, argv[0], "the run was over; the actors' lines above say why");
  return FAILED;
}
