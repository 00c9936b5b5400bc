/* The command line that every program with a configuration takes: CONFIG [--set a.b=c]... [-n ACTORS] [--print-config]
 * [--print-options] [--dry-run] [--profile] [--trace]. */
#ifndef TROUPE_CONFIG_COMMAND_H
#define TROUPE_CONFIG_COMMAND_H

#include "common/config/config.h"

typedef struct Command {
  const char *file;  /* borrowed; NULL with --print-config or --print-options alone */
  const char **sets; /* owned array of borrowed assignments */
  int set_count;
  int actors; /* -n; -1 when not given */
  bool help, print_config, print_options, dry_run, profile, trace;
} Command;

/* Errors: BAD_INPUT naming the argument. */
Status command_parse(Command *command, int argc, char **argv);
void command_free(Command *command); /* idempotent */

/* Both steps, and what --help, --print-config and --print-options ask for. True: go on. False: *code is the exit code, and everything is
 * said: help or configuration on stdout, an error in the log. Without `takes_actors`, -n is an error. The caller frees
 * command and config in any case. */
bool command_begin(Command *command, Config *config, int argc, char **argv, bool takes_actors, const char *help,
                   Status *code);

/* Defaults, then the file, then each --set; checked unless only printed. The caller frees config in any case. */
Status command_config(const Command *command, Config *config);

#endif
