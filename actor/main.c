/* troupe-actor: rolls captions out for a learner. Under MPI: snapshot of the weights -> chunk of images -> captions,
 * rewards and reference log-probabilities -> learner, until the learner says stop. `troupe-actor evaluate ...` and
 * `troupe-actor caption ...` use the same decoder without a learner. */
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actor/caption.h"
#include "actor/evaluate.h"
#include "actor/plan.h"
#include "actor/rollout.h"
#include "actor/snapshot.h"
#include "common/base/arguments.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/pulse.h"
#include "common/base/trace.h"
#include "common/config/command.h"
#include "common/model/policy.h"
#include "common/tensor/gemm.h"
#include "proto/link.h"
#include "proto/world.h"

static const char *const help =
    "usage: mpirun -np 1 troupe-learner CONFIG ... : -np ACTORS troupe-actor CONFIG [--set a.b=c]...\n"
    "       [mpirun --ompi-server file:RUN/door/server -np ACTORS] troupe-actor --join RUN\n"
    "       troupe-actor evaluate ... | caption ...\n\n"
    "An actor of `troupe train` or `troupe join`, and `troupe evaluate` and `troupe caption`.\n";

typedef struct Actor {
  Config config;
  Dataset dataset;
  ParamTable table;
  Rollout rollout;
  Snapshots snapshots;
  Link *link;
  bool unwanted; /* the chunk in hand */
  char *door;    /* owned; it joins a run that goes on; NULL: it starts with its learner */
} Actor;

static Status actor_load(Actor *actor, const Command *command) {
  TRY(command_config(command, &actor->config));
  policy_precision(&actor->config);
  TRY(dataset_open(&actor->dataset, actor->config.data.file, false));
  ModelShape shape = policy_shape(&actor->config, &actor->dataset);
  TRY(params_init(&actor->table, &shape));
  TRY(rollout_init(&actor->rollout, &actor->config, &actor->dataset, &actor->table));
  snapshots_init(&actor->snapshots, actor->table.total);
  return OK;
}

/* An actor that could not load says HELLO without hashes: the learner, which waits for all ranks, refuses it and goes
 * on. */
static Status actor_join(Actor *actor, bool loaded) {
  char configuration[HASH_TEXT] = "";
  if (loaded) config_hash(&actor->config, configuration);
  LinkOptions options = {.config_hash = configuration,
                         .dataset_hash = loaded ? actor->dataset.content_hash : "",
                         .kernel = gemm_name(),
                         .floats = actor->table.total,
                         .learners = loaded ? actor->config.learner.ranks : 0,
                         .join_s = loaded ? actor->config.actors.start_timeout_s : 0,
                         .door = actor->door,
                         .sink = snapshots_sink(&actor->snapshots)};
  TRY(link_open(&actor->link, &options));
  log_role_set("actor %d", link_rank(actor->link));
  return OK;
}

/* In the middle of decoding: snapshots come in, heartbeats go out. Not any more once the chunk is not wanted: then its
 * weights may be overwritten. */
static void pulsed(void *data) {
  Actor *actor = data;
  if (!actor->unwanted) actor->unwanted = link_poll(actor->link) != LINK_WORK;
}

static void trace_chunk(const Assignment *assignment, double began_s) {
  trace_add(began_s, clock_seconds(), "%s %lld, chunk %d", assignment->work == WORK_EVALUATE ? "evaluation" : "rollout",
            (long long)assignment->iteration, assignment->chunk);
}

/* One chunk: the weights it names, its captions, its result. */
static Status actor_chunk(Actor *actor, const Assignment *assignment) {
  const float *policy, *reference;
  Result result = {0};
  double began = clock_seconds();
  double idle = link_idle_seconds(actor->link);
  snapshots_use(&actor->snapshots, assignment->policy_slot, assignment->reference_slot, &policy, &reference);
  actor->unwanted = false;
  pulse_set(pulsed, actor, LINK_POLL_S);
  Status status = rollout_run(&actor->rollout, assignment, policy, reference, &result);
  pulse_set(NULL, NULL, 0);
  snapshots_release(&actor->snapshots);
  result.seconds[SECONDS_IDLE] = idle;
  trace_chunk(assignment, began);
  if (status == OK && link_poll(actor->link) == LINK_WORK) status = link_send_result(actor->link, &result);
  result_free(&result);
  return status;
}

static Status actor_trace(const Actor *actor) {
  char *folder = config_run_folder(&actor->config, "train"), role[32];
  snprintf(role, sizeof role, "actor %d", link_rank(actor->link));
  Status status = trace_open(folder, link_rank(actor->link), role);
  free(folder);
  return status;
}

static Status actor_work(Actor *actor) {
  Assignment assignment;
  for (;;) {
    LinkState state = link_next(actor->link, &assignment);
    if (state == LINK_STOP) return OK;
    if (state != LINK_WORK) return FAILED; /* the message is set */
    TRY(actor_chunk(actor, &assignment));
  }
}

static void actor_free(Actor *actor) {
  rollout_free(&actor->rollout);
  snapshots_free(&actor->snapshots);
  params_free(&actor->table);
  dataset_close(&actor->dataset);
  config_free(&actor->config);
  free(actor->door);
}

/* Alone, without MPI. */
static int actor_dry_run(const Command *command) {
  Actor actor = {0};
  Status status = actor_load(&actor, command);
  if (status == OK) status = plan_actor(&actor.rollout);
  if (status != OK) log_error("%s", status_message());
  actor_free(&actor);
  return status;
}

/* `parsed`: how the command line was read. */
static int actor_run(Actor *actor, const Command *command, Status parsed) {
  Status status = parsed == OK ? actor_load(actor, command) : parsed;
  bool loaded = status == OK;
  if (!loaded) log_error("%s", status_message());
  if (!loaded && actor->door) return status; /* nobody waits for it */
  Status joined = actor_join(actor, loaded);
  if (loaded) status = joined == OK ? actor_trace(actor) : joined;
  if (loaded && status == OK) status = actor_work(actor);
  if (loaded && status != OK) log_error("%s", status_message());
  Link *link = actor->link;
  actor->link = NULL; /* a signal's, so far */
  bool finalized = link_close(link, status == OK ? "done" : status_message(), status);
  if (!finalized && link) {
    fflush(NULL);
    _exit(status);
  }
  trace_close();
  return status;
}

static int actor_start(int argc, char **argv) {
  Command command;
  Actor actor = {0};
  Status status = command_parse(&command, argc, argv);
  if (status == OK && command.dry_run) {
    status = actor_dry_run(&command);
  } else {
    profile_enable(command.profile || command.trace);
    trace_enable(command.trace);
    status = actor_run(&actor, &command, status);
    actor_free(&actor);
  }
  command_free(&command);
  return status;
}

static Actor joining;

static void leave(int number) {
  (void)number;
  if (joining.link) link_leave(joining.link);
  else _exit(OK);
}

/* --join RUN: one more actor for a run that goes on. It leaves, with a GOODBYE, at the signals by which others end. */
static int actor_start_joining(int argc, char **argv) {
  if (argc != 3) {
    log_error("--join: the folder of a run that goes on was expected, and nothing else");
    return BAD_INPUT;
  }
  struct sigaction action = {.sa_handler = leave};
  const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 3; i++) sigaction(numbers[i], &action, NULL);
  char *file = path_join(argv[2], "config.yaml"), *server = xasprintf("file:%s/" RUN_SERVER, argv[2]);
  joining.door = path_join(argv[2], RUN_DOOR);
  setenv("OMPI_MCA_pmix_server_uri", server, 0); /* for one without an mpirun to whom it is told */
  int code = actor_run(&joining, &(Command){.file = file, .actors = -1}, OK);
  actor_free(&joining);
  free(file);
  free(server);
  return code;
}

int main(int argc, char **argv) {
  bool verb = argc > 1 && (strcmp(argv[1], "evaluate") == 0 || strcmp(argv[1], "caption") == 0);
  if (!verb) signal(SIGUSR1, SIG_IGN); /* the launcher's stop is for the learner, which then stops its actors */
  log_role_set("actor");
  gemm_init();
  if (argc > 1 && strcmp(argv[1], "evaluate") == 0) return actor_evaluate(argc - 1, argv + 1);
  if (argc > 1 && strcmp(argv[1], "caption") == 0) return actor_caption(argc - 1, argv + 1);
  if (argument_help(argc, argv)) {
    fputs(help, stdout);
    return OK;
  }
  fatal_handler_set(world_abort);
  omp_set_num_threads(1); /* an actor is one core: more actors, not more threads */
  if (argc > 1 && strcmp(argv[1], "--join") == 0) return actor_start_joining(argc, argv);
  return actor_start(argc, argv);
}
