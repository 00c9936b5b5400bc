/* Mpirun: options for Open MPI 4 and 5 and for MPICH's Hydra, the MPMD command, and its supervision. */
#include "common/tool/mpirun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/trace.h"
#include "common/tool/launch.h"

typedef enum Launcher { LAUNCHER_NONE, OPEN_MPI_4, OPEN_MPI_5, HYDRA } Launcher;

static Launcher launcher_find(void) {
  FILE *pipe = popen("mpirun --version 2>&1", "r");
  char text[4096];
  size_t n = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
  text[n] = 0;
  if (pipe) pclose(pipe);
  const char *open_mpi = strstr(text, "(Open MPI) ");
  if (open_mpi) return atoi(open_mpi + 11) >= 5 ? OPEN_MPI_5 : OPEN_MPI_4;
  return strstr(text, "HYDRA") ? HYDRA : LAUNCHER_NONE;
}

typedef struct Words {
  char **word; /* owned, as is each; NULL at the end */
  int count;
} Words;

static void say(Words *words, const char *word) {
  words->word = xrealloc(words->word, ((size_t)words->count + 2) * sizeof(char *));
  words->word[words->count++] = xstrdup(word);
  words->word[words->count] = NULL;
}

static void say_all(Words *words, const char *const *list) {
  for (; *list; list++) say(words, *list);
}

/* A message below the eager limit is sent whole or not at all when its sender dies. The shared-memory transport (vader)
 * needs a segment that holds its buffers of that size; else it is left out without a word, and TCP is used. */
static const char *const shared_memory[] = {
    "--mca", "btl_vader_eager_limit",  "1048576",  "--mca", "btl_vader_max_send_size", "1048576",
    "--mca", "btl_vader_segment_size", "67108864", NULL};
static const char *const one_node[] = {"--mca", "btl", "self,vader", NULL};
static const char *const tcp[] = {
    "--mca", "btl_tcp_eager_limit",   "1048576", "--mca", "btl_tcp_rndv_eager_limit", "1048576",
    "--mca", "btl_tcp_max_send_size", "1048576", NULL};

/* Does this job span nodes, as far as its scheduler or the environment says? */
static bool several_nodes(void) {
  const char *slurm = getenv("SLURM_JOB_NUM_NODES");
  if (slurm) return atoi(slurm) > 1;
  return getenv("PBS_NODEFILE") || getenv("LSB_HOSTS") || getenv("PE_HOSTFILE") ||
         getenv("OMPI_MCA_orte_default_hostfile") || getenv("PRTE_MCA_prte_default_hostfile");
}

static void say_options(Words *words, Launcher launcher, bool oversubscribe) {
  static const char *const open_mpi_4[] = {"--enable-recovery", "--bind-to", "none", NULL};
  static const char *const open_mpi_5[] = {"--with-ft", "ulfm", "--bind-to", "none", NULL};
  static const char *const hydra[] = {"-bind-to", "none", "-disable-auto-cleanup", NULL};
  say_all(words, launcher == HYDRA ? hydra : launcher == OPEN_MPI_5 ? open_mpi_5 : open_mpi_4);
  if (launcher != HYDRA) say_all(words, shared_memory);
  if (launcher != HYDRA) say_all(words, several_nodes() ? tcp : one_node);
  /* on one node always: Open MPI's slots are its cores, ours its hardware threads */
  if (launcher != HYDRA && (oversubscribe || !several_nodes())) say(words, "--oversubscribe");
}

static void say_role(Words *words, const char *role, int ranks, bool pretrain, const Command *command) {
  char count[16], *program = launch_program(role);
  snprintf(count, sizeof count, "%d", ranks);
  say(words, "-np");
  say(words, count);
  say(words, program);
  if (pretrain) say(words, "--pretrain");
  say(words, command->file);
  for (int i = 0; i < command->set_count; i++) {
    say(words, "--set");
    say(words, command->sets[i]);
  }
  if (command->profile) say(words, "--profile");
  if (command->trace) say(words, "--trace");
  free(program);
}

static void print_command(const Words *words) {
  char line[3072];
  size_t used = 0;
  for (int i = 0; i < words->count && used < sizeof line; i++)
    used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? " " : "", words->word[i]);
  log_info("%s", line);
}

static void say_ranks(Words *words, const Command *command, int learners, int actors) {
  say_role(words, "troupe-learner", learners, !actors, command);
  if (!actors) return;
  say(words, ":");
  say_role(words, "troupe-actor", actors, false, command);
}

/* At lag 0 the actors sleep while the learner learns: it may have their cores. */
static void threads_set(const Config *config, int cores, int actors) {
  bool overlapped = config->actors.lag + config->actors.max_lag > 0;
  int learners = config->learner.ranks, each = (overlapped ? cores - actors : cores) / learners;
  if (each < 1) each = 1;
  char threads[16];
  snprintf(threads, sizeof threads, "%d", each);
  setenv("TROUPE_LEARNER_THREADS", threads, 0); /* what learner.threads: 0 means */
  /* a thread that spins while it waits takes the core of the one it waits for */
  if (each * learners + actors > cores) setenv("OMP_WAIT_POLICY", "passive", 0);
}

int mpirun_stage(const Command *command, const Config *config, const char *stage) {
  Launcher launcher = launcher_find();
  if (launcher == LAUNCHER_NONE) {
    log_error("mpirun (Open MPI or MPICH) is not on PATH; deploy/install-deps.sh installs it");
    return BAD_INPUT;
  }
  int cores = launch_cores(), learners = config->learner.ranks, actors = command->actors;
  if (actors < 0) actors = cores > learners ? cores - learners : 1;
  if (strcmp(stage, "pretrain") == 0) actors = 0;
  if (geteuid() == 0 && launcher != HYDRA) {
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    log_info("running as root: OMPI_ALLOW_RUN_AS_ROOT is set for mpirun");
  }
  threads_set(config, cores, actors);
  Words words = {.count = 0};
  say(&words, "mpirun");
  say_options(&words, launcher, actors + learners > cores);
  say_ranks(&words, command, learners, actors);
  print_command(&words);
  char *folder = config_run_folder(config, stage), *status_file = path_join(folder, "status.json");
  int code = launch_supervise(words.word, status_file);
  if (command->trace && trace_merge(folder) != OK) log_error("%s", status_message());
  for (int i = 0; i < words.count; i++) free(words.word[i]);
  free(words.word);
  free(folder);
  free(status_file);
  return code;
}
