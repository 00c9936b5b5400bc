/* troupe-learner: the algorithm, in the order it runs. Stage 2 under MPI (rank 0; actors are the ranks from learner.ranks on):
 *
 *   open    dataset, run folder, stage-1 policy or newest checkpoint       trainer_open
 *   start   wait for actors, send policy and reference                     trainer_start
 *   run     for each iteration: collect rollouts -> advantages ->          trainer_run
 *           clipped, KL-regularised steps -> publish -> refresh reference
 *   close   stop the actors                                                trainer_close
 *
 * The ranks between share the steps (learner/follow.h). `troupe-learner --pretrain CONFIG` is stage 1, without MPI unless
 * learner.ranks is above 1. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/trace.h"
#include "common/config/command.h"
#include "common/tensor/gemm.h"
#include "learner/follow.h"
#include "learner/plan.h"
#include "learner/pretrain.h"
#include "learner/state.h"
#include "learner/trainer.h"
#include "proto/world.h"

static const char *const help =
    "usage: mpirun -np RANKS troupe-learner CONFIG [--set a.b=c]... [--profile] [--trace] : -np ACTORS troupe-actor CONFIG ...\n"
    "       [mpirun -np RANKS] troupe-learner --pretrain CONFIG [--set a.b=c]... [--print-config] [--dry-run]\n"
    "                       [--profile] [--trace]\n\n"
    "The learner of `troupe train` (learner.ranks ranks, the first ones), and `troupe pretrain`.\n";

enum { FATAL_LIMIT_S = 10 }; /* for last words */

static volatile int stop;

/* The first signal stops at the next safe point. A terminal's or a user's second one means now: files are whole at any
 * moment. USR1 may come twice (a scheduler sends it to mpirun and to its ranks). */
static void stop_set(int number) {
  if (stop && number != SIGUSR1) _exit(FAILED);
  stop = 1;
}

static void signals_catch(void) {
  struct sigaction action = {.sa_handler = stop_set};
  sigemptyset(&action.sa_mask);
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
}

static Trainer trainer = {.run = {.lock = -1}};

/* status.json is how the launcher learns of it, and ends ranks that MPI_Abort does not reach. */
static void peers_end(void) {
  alarm(FATAL_LIMIT_S);
  trainer_report_fatal(&trainer);
  world_abort();
}

/* A rank died, or did not come: MPI_Finalize would wait for it. */
static _Noreturn void end_at_once(Status status, bool profile) {
  if (profile) profile_print();
  fflush(NULL);
  _exit(status);
}

/* One of learner.ranks; none when there is one. Ends the process where the ranks do not stand as they must. */
static Team *join(const Config *config, bool actors) {
  Team *team = NULL;
  if (config->learner.ranks == 1) return NULL;
  Status status = team_open(&team, config->learner.ranks, actors, actors && config->actors.joinable,
                            config->actors.start_timeout_s);
  if (status != OK) {
    log_error("%s", status_message());
    end_at_once(status, false);
  }
  if (team_rank(team)) log_role_set("learner %d", team_rank(team));
  return team;
}

static Status run_ranks(const Config *config, Team *team, bool pretrain, bool profile) {
  fatal_handler_set(team ? peers_end : NULL);
  Status status = pretrain ? pretrain_run(config, team, &stop) : follow_run(config, team);
  if (status != OK) log_error("%s", status_message());
  if (!team) return status;
  if (pretrain && status == OK && team_decide(team, profile)) status = state_profile(team);
  if (!team_close(team, status == OK)) end_at_once(status, profile);
  world_finalize(FATAL_LIMIT_S, status);
  return status;
}

static Status run_lead(const Config *config, Team *team, bool profile) {
  fatal_handler_set(peers_end);
  Status status = trainer_open(&trainer, config, team, &stop);
  if (status != OK) trainer_turn_away(&trainer, config, status);
  if (status == OK) status = trainer_start(&trainer);
  if (status == OK) status = trainer_run(&trainer);
  if (status != OK) log_error("%s", status_message());
  bool had_actors = trainer.hub != NULL;
  if (!trainer_close(&trainer, status) && had_actors) end_at_once(status, profile);
  return status;
}

/* Of stage 2, the launcher does it when all ranks are gone. */
static void trace_join(const Config *config) {
  char *folder = config_run_folder(config, "pretrain");
  if (trace_merge(folder) != OK) log_error("%s", status_message());
  free(folder);
}

static int print_version(void) {
  char text[1024];
  world_library(text, sizeof text);
  puts(text);
  return OK;
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--version") == 0) return print_version();
  Command command;
  Config config;
  Status status;
  bool pretrain = argc > 1 && strcmp(argv[1], "--pretrain") == 0;
  signals_catch();
  log_role_set(pretrain ? "troupe pretrain" : "learner");
  gemm_init();
  bool begun = command_begin(&command, &config, argc - pretrain, argv + pretrain, false, help, &status);
  if (begun && command.dry_run) {
    status = pretrain ? plan_pretrain(&config) : plan_train(&config);
    if (status != OK) log_error("%s", status_message());
  } else if (begun) {
    profile_enable(command.profile || command.trace);
    trace_enable(command.trace);
    Team *team = join(&config, !pretrain);
    bool lead = team_rank(team) == 0;
    if (pretrain || !lead) status = run_ranks(&config, team, pretrain, command.profile);
    else status = run_lead(&config, team, command.profile);
    if (command.profile && (lead || status != OK)) profile_print(); /* the lead has heard the others */
    profile_free();
    trace_close();
    if (command.trace && pretrain && lead) trace_join(&config);
  }
  config_free(&config);
  command_free(&command);
  return status;
}
