/* troupe-learner: the algorithm, in the order it runs. Stage 2 under MPI (rank 0, actors are the other ranks):
 *
 *   open    dataset, run folder, stage-1 policy or newest checkpoint       trainer_open
 *   start   wait for actors, send policy and reference                     trainer_start
 *   run     for each iteration: collect rollouts -> advantages ->          trainer_run
 *           clipped, KL-regularised steps -> publish -> refresh reference
 *   close   stop the actors                                                trainer_close
 *
 * `troupe-learner --pretrain CONFIG` is stage 1, without MPI. */
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
#include "learner/pretrain.h"
#include "learner/trainer.h"
#include "proto/world.h"

static const char *const help =
    "usage: mpirun -np 1 troupe-learner CONFIG [--set a.b=c]... [--profile] [--trace] : -np ACTORS troupe-actor CONFIG ...\n"
    "       troupe-learner --pretrain CONFIG [--set a.b=c]... [--print-config] [--profile]\n"
    "                       [--trace]\n\n"
    "The learner of `troupe train` (rank 0), and `troupe pretrain`.\n";

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

static Status run_train(const Config *config, bool profile) {
  fatal_handler_set(peers_end);
  Status status = trainer_open(&trainer, config, &stop);
  if (status != OK) trainer_turn_away(&trainer, config, status);
  if (status == OK) status = trainer_start(&trainer);
  if (status == OK) status = trainer_run(&trainer);
  if (status != OK) log_error("%s", status_message());
  bool had_actors = trainer.hub != NULL;
  if (!trainer_close(&trainer, status) && had_actors) { /* a rank died: MPI_Finalize would wait for it */
    if (profile) profile_print();
    fflush(NULL);
    _exit(status);
  }
  return status;
}

/* Of stage 2, the launcher does it when all ranks are gone. */
static void trace_join(const Config *config) {
  char *folder = config_run_folder(config, "pretrain");
  if (trace_merge(folder) != OK) log_error("%s", status_message());
  free(folder);
}

int main(int argc, char **argv) {
  Command command;
  Config config;
  Status status;
  bool pretrain = argc > 1 && strcmp(argv[1], "--pretrain") == 0;
  signals_catch();
  log_role_set(pretrain ? "troupe pretrain" : "learner");
  gemm_init();
  if (command_begin(&command, &config, argc - pretrain, argv + pretrain, false, help, &status)) {
    profile_enable(command.profile || command.trace);
    trace_enable(command.trace);
    status = pretrain ? pretrain_run(&config, &stop) : run_train(&config, command.profile);
    if (pretrain && status != OK) log_error("%s", status_message());
    if (command.profile) profile_print();
    profile_free();
    trace_close();
    if (command.trace && pretrain) trace_join(&config);
  }
  config_free(&config);
  command_free(&command);
  return status;
}
