/* The verbs that start a role: pretrain and train (learner, with actors under mpirun), evaluate and caption (actor). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/config/command.h"
#include "common/model/policy.h"
#include "common/score/meteor_data.h"
#include "common/tool/launch.h"
#include "common/tool/mpirun.h"
#include "common/tool/plan.h"
#include "common/tool/verbs.h"

static const char *const pretrain_help =
    "usage: troupe pretrain CONFIG [--set a.b=c]... [options]\n\n"
    "Stage 1: trains the captioner with cross-entropy on the learner's threads, with learner.ranks above 1 under mpirun.\n"
    "Again in the same run folder: resumes.\n";
static const char *const train_help =
    "usage: troupe train CONFIG [-n ACTORS] [--set a.b=c]... [options]\n\n"
    "Stage 2: group-relative policy optimisation; the learner and ACTORS actors under mpirun (default: the cores minus\n"
    "the learner's ranks). Again in the same run folder: resumes, with any number of actors.\n";

/* Is the run folder free? The learner asks again and keeps the lock; but the status.json by which it could tell of a
 * folder that is another learner's is not its own. */
static Status folder_free(const Config *config, const char *stage) {
  char *folder = config_run_folder(config, stage), *lock = path_join(folder, "lock");
  char *latest = path_join(folder, "checkpoints/latest");
  Status status = OK;
  int file = open(lock, O_RDWR | O_CLOEXEC);
  if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
    status =
        status_set(BAD_INPUT, "%s: another learner works in this run folder; another run.dir was expected", folder);
  else if (strcmp(config->run.resume, "never") == 0 && file_exists(latest))
    status = status_set(BAD_INPUT,
                        "%s: holds checkpoints of an earlier run and run.resume is never; another run.dir "
                        "was expected",
                        folder);
  if (file >= 0) close(file);
  free(folder);
  free(lock);
  free(latest);
  return status;
}

/* Do the weights that the run starts from fit? A checkpoint to resume from that is damaged is left to the learner, which
 * takes the one before it. */
static Status weights_fit(const Config *config, const Dataset *dataset) {
  ParamTable table = {0};
  Checkpoint checkpoint = {0};
  float *weights = NULL;
  Status status = OK;
  char *folder = config_run_folder(config, "train"), *latest = path_join(folder, "checkpoints/latest");
  if (!file_exists(latest)) status = policy_initial(config, dataset, &table, &weights);
  else if (checkpoint_load(&checkpoint, &table, latest, 1) == OK)
    status = policy_resumes(&checkpoint, folder, "train", config, dataset, false);
  free(weights);
  free(folder);
  free(latest);
  checkpoint_free(&checkpoint);
  params_free(&table);
  return status;
}

static Status rewards_possible(const Config *config) {
  if (config->rewards.meteor == 0 || !meteor_data_absent()) return OK;
  return status_set(BAD_INPUT, "rewards.meteor.weight: %s", meteor_data_absent());
}

/* Does everything fit together? Said here once, before any rank starts. */
static Status train_preflight(const Config *config) {
  Dataset dataset = {0};
  TRY(rewards_possible(config));
  TRY(config_check_ranks(config, "train"));
  TRY(folder_free(config, "train"));
  Status status = dataset_open(&dataset, config->data.file, false);
  if (status == OK)
    status = policy_fits_splits(config, &dataset, "policy.images_per_iteration", config->policy.images_per_iteration);
  if (status == OK) status = weights_fit(config, &dataset);
  dataset_close(&dataset);
  return status;
}

/* Of stage 1 under mpirun; else its learner says it. */
static Status pretrain_preflight(const Config *config) {
  Dataset dataset = {0};
  TRY(config_check_ranks(config, "pretrain"));
  TRY(folder_free(config, "pretrain"));
  Status status = dataset_open(&dataset, config->data.file, false);
  if (status == OK)
    status = policy_fits_splits(config, &dataset, "pretrain.batch_images", config->pretrain.batch_images);
  dataset_close(&dataset);
  return status;
}

/* Under mpirun, or its plan. */
static Status pretrain_ranks(const Command *command, const Config *config) {
  Status status = pretrain_preflight(config);
  if (status == OK && command->dry_run) return (Status)plan_show(command, config, "pretrain");
  if (status == OK) return (Status)mpirun_stage(command, config, "pretrain");
  log_error("%s", status_message());
  return status;
}

/* `argv` is the verb's: the learner takes the same. */
static Status pretrain_alone(int argc, char **argv) {
  char **arguments = xcalloc((size_t)argc + 2, sizeof(char *));
  arguments[0] = launch_program("troupe-learner");
  arguments[1] = (char[]){"--pretrain"};
  for (int i = 1; i < argc; i++) arguments[i + 1] = argv[i];
  Status code = (Status)launch_replace(arguments[0], arguments);
  free(arguments[0]);
  free(arguments);
  return code;
}

int verb_pretrain(int argc, char **argv) {
  Command command;
  Config config;
  Status code;
  if (command_begin(&command, &config, argc, argv, false, pretrain_help, &code))
    code = config.learner.ranks > 1 || command.dry_run ? pretrain_ranks(&command, &config) : pretrain_alone(argc, argv);
  config_free(&config);
  command_free(&command);
  return code;
}

int verb_train(int argc, char **argv) {
  Command command;
  Config config;
  Status code;
  if (command_begin(&command, &config, argc, argv, true, train_help, &code)) {
    code = train_preflight(&config);
    if (code != OK) log_error("%s", status_message());
    else if (command.dry_run) code = (Status)plan_show(&command, &config, "train");
    else code = (Status)mpirun_stage(&command, &config, "train");
  }
  config_free(&config);
  command_free(&command);
  return code;
}

static int actor_verb(int argc, char **argv) {
  char **arguments = xcalloc((size_t)argc + 2, sizeof(char *));
  arguments[0] = launch_program("troupe-actor");
  for (int i = 0; i < argc; i++) arguments[i + 1] = argv[i];
  return launch_replace(arguments[0], arguments);
}

int verb_evaluate(int argc, char **argv) { return actor_verb(argc, argv); }
int verb_caption(int argc, char **argv) { return actor_verb(argc, argv); }
