/* Mpirun: options for Open MPI 4 and 5 and for MPICH's Hydra, the MPMD command with a place for each rank, and its
 * supervision. */
#include "common/tool/mpirun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/trace.h"
#include "common/model/policy.h"
#include "common/tool/launch.h"
#include "common/tool/placement.h"
#include "common/tool/server.h"

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
  char **word;         /* owned, as is each; NULL at the end */
  int count, contexts; /* contexts: of MPMD, with ':' between them */
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
/* and between two mpiruns on one */
static const char *const tcp[] = {
    "--mca", "btl_tcp_eager_limit",   "1048576", "--mca", "btl_tcp_rndv_eager_limit", "1048576",
    "--mca", "btl_tcp_max_send_size", "1048576", NULL};

/* Does this job span nodes, as far as its scheduler or the environment says? */
static bool several_nodes(const Placement *placement) {
  const char *slurm = getenv("SLURM_JOB_NUM_NODES");
  if (placement->nodes > 1) return true;
  if (slurm) return atoi(slurm) > 1;
  return getenv("PBS_NODEFILE") || getenv("LSB_HOSTS") || getenv("PE_HOSTFILE") ||
         getenv("OMPI_MCA_orte_default_hostfile") || getenv("PRTE_MCA_prte_default_hostfile");
}

/* Other nodes get an environment of their own. */
static void say_variables(Words *words) {
  static const char *const names[] = {"TROUPE_LEARNER_THREADS", "OMP_WAIT_POLICY", NULL};
  for (int i = 0; names[i]; i++)
    if (getenv(names[i])) say(words, "-x"), say(words, names[i]);
}

static void say_server(Words *words, const char *server) {
  char *word = xasprintf("file:%s", server);
  say(words, "--ompi-server");
  say(words, word);
  free(word);
}

/* `server`: the file with the ompi-server's address, or NULL. */
static void say_options(Words *words, Launcher launcher, const Placement *placement, const char *server) {
  static const char *const open_mpi_4[] = {"--enable-recovery", "--bind-to", "none", NULL};
  static const char *const open_mpi_5[] = {"--with-ft", "ulfm", "--bind-to", "none", NULL};
  static const char *const hydra[] = {"-bind-to", "none", "-disable-auto-cleanup", NULL};
  say_all(words, launcher == HYDRA ? hydra : launcher == OPEN_MPI_5 ? open_mpi_5 : open_mpi_4);
  if (launcher == HYDRA) return;
  bool several = several_nodes(placement);
  say_all(words, shared_memory);
  say_all(words, several || server ? tcp : one_node);
  if (server) say_server(words, server);
  /* Open MPI's slots are its cores or Slurm's tasks, ours hardware threads; who sits where is said, or there is one node */
  if (!several || placement->nodes > 1 || placement->crowded) say(words, "--oversubscribe");
  if (several) say_variables(words);
}

/* --- the command --------------------------------------------------------------------------------------------- */

/* Ranks that run the same program. */
typedef struct Role {
  const char *program; /* beside this one */
  const char *option;  /* before the configuration, or NULL */
  bool learns;
} Role;

static int ranks_at(const Role *role, const Place *place) { return role->learns ? place->learners : place->actors; }

/* `hosts`: NULL leaves it to mpirun where they run. */
static void say_ranks(Words *words, const Role *role, int ranks, const char *hosts, const Command *command) {
  char count[16], *program = launch_program(role->program);
  snprintf(count, sizeof count, "%d", ranks);
  if (words->contexts++) say(words, ":");
  say(words, "-np");
  say(words, count);
  if (hosts) say(words, "-host"), say(words, hosts);
  say(words, program);
  if (role->option) say(words, role->option);
  say(words, command->file);
  for (int i = 0; i < command->set_count; i++) {
    say(words, "--set");
    say(words, command->sets[i]);
  }
  if (command->profile) say(words, "--profile");
  if (command->trace) say(words, "--trace");
  free(program);
}

static bool alike(const Place *a, const Place *b) {
  return a->cores == b->cores && a->learners == b->learners && a->actors == b->actors;
}

/* On several nodes: neighbours that hold as many ranks share a context, so that mpirun, which deals a context's ranks
 * evenly once Slurm's tasks are used up, can put none elsewhere. */
static void say_role(Words *words, const Role *role, const Placement *placement, const Command *command) {
  for (int i = 0, end; i < placement->nodes; i = end) {
    const Place *first = &placement->place[i];
    char *hosts = NULL;
    int each = ranks_at(role, first);
    for (end = i; end < placement->nodes && alike(first, &placement->place[end]); end++) {
      const char *node = placement->place[end].node;
      char *longer = node ? xasprintf("%s%s%s:%d", hosts ? hosts : "", hosts ? "," : "", node, each) : NULL;
      free(hosts);
      hosts = longer;
    }
    if (each) say_ranks(words, role, each * (end - i), hosts, command);
    free(hosts);
  }
}

static void print_command(const Words *words) {
  char line[3072];
  size_t used = 0;
  for (int i = 0; i < words->count && used < sizeof line; i++)
    used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? " " : "", words->word[i]);
  log_info("%s", line);
}

static void threads_set(const Placement *placement) {
  char threads[16];
  snprintf(threads, sizeof threads, "%d", placement->learner_threads);
  setenv("TROUPE_LEARNER_THREADS", threads, 0); /* what learner.threads: 0 means */
  /* a thread that spins while it waits takes the core of the one it waits for */
  if (placement->crowded) setenv("OMP_WAIT_POLICY", "passive", 0);
}

void mpirun_place(Placement *placement, const Command *command, const Config *config, const char *stage) {
  bool pretrain = strcmp(stage, "pretrain") == 0;
  PlacementWish wish = {.learners = config->learner.ranks,
                        .learner_threads = config->learner.threads,
                        .actors = pretrain ? 0 : command->actors,
                        .overlapped = policy_lag(config) > 0};
  placement_nodes(placement);
  placement_fill(placement, &wish);
  threads_set(placement);
}

static void root_allow(void) {
  if (geteuid() != 0) return;
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  log_info("running as root: OMPI_ALLOW_RUN_AS_ROOT is set for mpirun");
}

static void words_free(Words *words) {
  for (int i = 0; i < words->count; i++) free(words->word[i]);
  free(words->word);
}

static Status launcher_wanted(Launcher *launcher) {
  *launcher = launcher_find();
  if (*launcher != LAUNCHER_NONE) return OK;
  return status_set(BAD_INPUT, "mpirun (Open MPI or MPICH) is not on PATH; deploy/install-deps.sh installs it");
}

static Status joining_possible(Launcher launcher) {
  if (launcher == OPEN_MPI_4) return OK;
  return status_set(
      BAD_INPUT,
      "actors cannot join a run that goes on under %s (actors.joinable): Open MPI 4.1 was expected; else stop the run "
      "(USR1 saves) and start it again with a higher -n: it resumes, to the same bits",
      launcher == HYDRA ? "MPICH" : "Open MPI 5, which has no ompi-server");
}

/* Ranks of a stage, and where they run. */
static void say_stage(Words *words, Launcher launcher, const Command *command, const Config *config, const char *stage,
                      const char *server) {
  const char *option = strcmp(stage, "pretrain") == 0 ? "--pretrain" : NULL;
  const Role learner = {"troupe-learner", option, true}, actor = {"troupe-actor", NULL, false};
  Placement placement;
  mpirun_place(&placement, command, config, stage);
  if (launcher == HYDRA) placement_gather(&placement); /* it takes hosts for all programs alike */
  else root_allow();
  say(words, "mpirun");
  say_options(words, launcher, &placement, server);
  say_role(words, &learner, &placement, command);
  say_role(words, &actor, &placement, command);
  placement_free(&placement);
}

/* RUN/door/server, and its ompi-server. */
static Status door_serve(Launcher launcher, const char *folder, char **file, pid_t *server) {
  TRY(joining_possible(launcher));
  char *door = path_join(folder, RUN_DOOR);
  Status status = folder_create(door);
  *file = path_join(folder, RUN_SERVER);
  free(door);
  return status == OK ? server_start(*file, server) : status;
}

int mpirun_stage(const Command *command, const Config *config, const char *stage) {
  Launcher launcher;
  bool joinable = config->actors.joinable && strcmp(stage, "train") == 0;
  char *folder = config_run_folder(config, stage), *status_file = path_join(folder, "status.json"), *door = NULL;
  pid_t server;
  Status status = launcher_wanted(&launcher);
  if (status == OK && joinable) status = door_serve(launcher, folder, &door, &server);
  if (status != OK) {
    log_error("%s", status_message());
  } else {
    Words words = {0};
    say_stage(&words, launcher, command, config, stage, door);
    print_command(&words);
    status = (Status)launch_supervise(words.word, status_file);
    words_free(&words);
    if (joinable) server_stop(server, door);
    if (command->trace && trace_merge(folder) != OK) log_error("%s", status_message());
  }
  free(door);
  free(folder);
  free(status_file);
  return status;
}

int mpirun_join(const char *run, int actors) {
  Launcher launcher;
  Status status = launcher_wanted(&launcher);
  if (status == OK) status = joining_possible(launcher);
  if (status != OK) {
    log_error("%s", status_message());
    return status;
  }
  const Role actor = {"troupe-actor", "--join", false};
  char *status_file = path_join(run, "status.json"), *server = path_join(run, RUN_SERVER);
  Words words = {0};
  Placement placement;
  placement_nodes(&placement);
  placement_fill(&placement, &(PlacementWish){.actors = actors});
  root_allow();
  say(&words, "mpirun");
  say_options(&words, launcher, &placement, server);
  say_role(&words, &actor, &placement, &(Command){.file = run});
  placement_free(&placement);
  print_command(&words);
  int code = launch_guests(words.word, status_file);
  words_free(&words);
  free(status_file);
  free(server);
  return code;
}
