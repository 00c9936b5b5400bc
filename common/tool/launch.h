/* Launch: starts the programs beside this one: a role directly, or learner and actors under mpirun. */
#ifndef TROUPE_TOOL_LAUNCH_H
#define TROUPE_TOOL_LAUNCH_H

#include "common/base/status.h"

/* Path of a program beside this one ("troupe-learner"). Owned by the caller. */
char *launch_program(const char *name);

/* Replaces this process by `program` with arguments; returns (2) only when that fails. */
int launch_replace(const char *program, char **argv);

/* `troupe NAME ...` for a verb that is not built in: troupe-NAME beside this program or on PATH. Exit code 2 if there
 * is none; `nearest`, when not NULL, may have been meant. */
int launch_external(const char *name, const char *nearest, int argc, char **argv);

/* Runs a program of ours and waits: what it wrote on stdout, owned by the caller. Returns its exit code; it has said what is
 * wrong, and status_message() is empty, or tells why it could not be run. */
Status launch_output(char **argv, char **text);

/* Cores this process may use. */
int launch_cores(void);

/* Runs `argv` in a process group of its own, without input, and waits. The first INT, TERM or USR1 becomes USR1 for it,
 * as does the death of this process; a second one ends it. When `status_file` says that the run is over and the command
 * lingers, it is ended. Returns the run's exit code: the one in status_file where a learner wrote it during this call,
 * else the command's. */
int launch_supervise(char **argv, const char *status_file);

/* The same for actors of another command's run, whose status_file is only read. Returns the run's exit code when it is over, OK when
 * a signal ended them before, else the command's. */
int launch_guests(char **argv, const char *status_file);

#endif
