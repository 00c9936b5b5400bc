/* The command line of programs with a configuration. */
#include "common/config/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arguments.h"
#include "common/base/file.h"
#include "common/base/log.h"

static Status take_actors(Command *command, const char *text) {
  long actors;
  TRY(argument_integer("-n", text, 1, 100000, &actors));
  command->actors = (int)actors;
  return OK;
}

static bool only_prints(const Command *command) { return command->print_config || command->print_options; }

Status command_parse(Command *command, int argc, char **argv) {
  *command = (Command){.actors = -1, .sets = xcalloc((size_t)argc + 1, sizeof(char *))};
  for (int i = 1; i < argc; i++) {
    const char *argument = argv[i];
    bool more = i + 1 < argc;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) command->help = true;
    else if (strcmp(argument, "--print-config") == 0) command->print_config = true;
    else if (strcmp(argument, "--print-options") == 0) command->print_options = true;
    else if (strcmp(argument, "--dry-run") == 0) command->dry_run = true;
    else if (strcmp(argument, "--profile") == 0) command->profile = true;
    else if (strcmp(argument, "--trace") == 0) command->trace = true;
    else if (strcmp(argument, "--set") == 0 && more) command->sets[command->set_count++] = argv[++i];
    else if (strncmp(argument, "--set=", 6) == 0) command->sets[command->set_count++] = argument + 6;
    else if (strcmp(argument, "-n") == 0 && more) TRY(take_actors(command, argv[++i]));
    else if (strcmp(argument, "--set") == 0 || strcmp(argument, "-n") == 0)
      return status_set(BAD_INPUT, "%s: a value was expected behind it", argument);
    else if (argument[0] == '-') return status_set(BAD_INPUT, "unknown option %s; --help lists all", argument);
    else if (command->file)
      return status_set(BAD_INPUT, "%s: one CONFIG was expected, %s is there already", argument, command->file);
    else command->file = argument;
  }
  if (!command->file && !command->help && !only_prints(command))
    return status_set(BAD_INPUT, "a CONFIG file was expected; --help tells more");
  return OK;
}

void command_free(Command *command) {
  free(command->sets);
  command->sets = NULL;
}

Status command_config(const Command *command, Config *config) {
  config_init(config);
  if (command->file) TRY(config_read(config, command->file));
  for (int i = 0; i < command->set_count; i++) TRY(config_set(config, command->sets[i]));
  return only_prints(command) ? OK : config_check(config);
}

/* As arguments_parse shows them. */
static const char *const options_help =
    "  --set a.b=c             sets an option over CONFIG's; as often as wanted\n"
    "  --print-config          prints every option with its value and what it does, and ends\n"
    "  --print-options         the same in lines of path, value and meaning, with tabs between: for grep\n"
    "  --dry-run               shows what the run would take: ranks, memory, disk, time; writes nothing\n"
    "  --profile               at the end: calls, time and GFLOP/s of each part, over all ranks\n"
    "  --trace                 writes trace.json of every rank into the run folder, for Perfetto or chrome://tracing\n";
static const char *const actors_help =
    "  -n ACTORS               actor ranks (default: the cores minus the learner's ranks)\n";

bool command_begin(Command *command, Config *config, int argc, char **argv, bool takes_actors, const char *help,
                   Status *code) {
  *config = (Config){0};
  *code = command_parse(command, argc, argv);
  if (*code == OK && command->help) {
    printf("%s\n%s%s", help, takes_actors ? actors_help : "", options_help);
    return false;
  }
  if (*code == OK && command->actors >= 0 && !takes_actors)
    *code = status_set(BAD_INPUT, "-n: stage 1 has no actors; learner.threads and learner.ranks are its size");
  if (*code == OK) *code = command_config(command, config);
  if (*code == OK && !only_prints(command) && !file_exists(command->file))
    *code = status_set(BAD_INPUT, "%s: a file was expected; every rank reads it, so a pipe will not do", command->file);
  if (*code == OK && only_prints(command)) {
    char *text = command->print_options ? NULL : config_text(config, true);
    if (text) fputs(text, stdout);
    else config_list(config, stdout);
    free(text);
    return false;
  }
  if (*code != OK) log_error("%s", status_message());
  return *code == OK;
}
