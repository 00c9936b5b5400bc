/* The verbs that start a role: pretrain and train (learner, with actors under mpirun), evaluate and caption (actor). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/config/command.h"
#include "common/model/policy.h"
#include "common/tool/launch.h"
#include "common/tool/mpirun.h"
#include "common/tool/verbs.h"

static const char *const pretrain_help =
    "usage: troupe pretrain CONFIG [--set a.b=c]... [--print-config] [--profile]\n\n"
    "Stage 1: trains the captioner with cross-entropy on the learner's threads. Again in the same run folder: resumes.\n";
static const char *const train_help =
    "usage: troupe train CONFIG [-n ACTORS] [--set a.b=c]... [--print-config] [--profile]\n\n"
    "Stage 2: group-relative policy optimisation; one learner and ACTORS actors under mpirun (default: the cores minus\n"
    "one). Again in the same run folder: resumes, with any number of actors.\n";

/* Reads the configuration; 0 = go on, else the exit code is in *code. */
static bool configure(int argc, char **argv, const char *help, Command *command, Config *config, int *code) {
  *code = command_parse(command, argc, argv);
  if (*code == OK && command->help) {
    fputs(help, stdout);
    return false;
  }
  if (*code == OK) *code = command_config(command, config);
  if (*code == OK && command->print_config) {
    char *text = config_text(config, true);
    fputs(text, stdout);
    free(text);
    return false;
  }
  if (*code != OK) log_error("%s", status_message());
  return *code == OK;
}

/* Does everything fit together? Said here once, before any rank starts. */
static Status train_preflight(const Config *config) {
  Dataset dataset = {0};
  ParamTable table = {0};
  float *weights = NULL;
  Status status = dataset_open(&dataset, config->data.file, false);
  int32_t *images = NULL;
  int count;
  if (status == OK) status = dataset_split(&dataset, config->data.train, &images, &count);
  if (status == OK) status = policy_initial(config, &dataset, &table, &weights);
  free(images);
  free(weights);
  params_free(&table);
  dataset_close(&dataset);
  return status;
}

int verb_pretrain(int argc, char **argv) {
  Command command;
  Config config = {0};
  int code;
  if (configure(argc, argv, pretrain_help, &command, &config, &code)) {
    char **arguments = xcalloc((size_t)argc + 2, sizeof(char *));
    arguments[0] = launch_program("troupe-learner");
    arguments[1] = (char[]){"--pretrain"};
    for (int i = 1; i < argc; i++) arguments[i + 1] = argv[i];
    code = launch_replace(arguments[0], arguments);
    free(arguments[0]);
    free(arguments);
  }
  config_free(&config);
  command_free(&command);
  return code;
}

int verb_train(int argc, char **argv) {
  Command command;
  Config config = {0};
  int code;
  if (configure(argc, argv, train_help, &command, &config, &code)) {
    code = train_preflight(&config);
    if (code != OK) log_error("%s", status_message());
    else code = mpirun_train(&command, &config);
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
