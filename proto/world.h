/* World: the start and the end of MPI, for learner and actors alike: which rank this is, which role each rank has, and a
 * watchdog over the calls that wait for every rank, those that have died included. */
#ifndef TROUPE_PROTO_WORLD_H
#define TROUPE_PROTO_WORLD_H

#include <stdbool.h>

#include "common/base/status.h"

typedef enum Role { ROLE_LEARNER = 1, ROLE_ACTOR } Role;

/* MPI_Init_thread (FUNNELED; with `threads` MULTIPLE) and an exchange of the roles, unless MPI runs already; SIGPIPE ignored;
 * MPI_ERRORS_RETURN. Collective: a process whose peers have not all come after limit_s ends itself (a rank that dies
 * meanwhile would hold up the others for ever). Errors: BAD_INPUT this MPI has no `threads`. */
Status world_start(Role role, bool threads, double limit_s);
int world_rank(void);
int world_size(void);

/* Do the ranks stand as they must: `learners` of them (0 = not known here: at least one), then the actors, if there are to be
 * any? Errors: BAD_INPUT saying how they stand. OK when somebody else started MPI, and the roles are not known. */
Status world_layout(int learners, bool actors);

/* The library's name and version, with MPI_Init or without. */
void world_library(char *text, int size);

/* Ends the process with `exit_code` after limit_s, having written `words` (or NULL) on stderr; 0 calls it off. */
void world_watchdog(double limit_s, int exit_code, const char *words);

/* MPI_Finalize; ends the process with `exit_code` when that takes longer than limit_s. */
void world_finalize(double limit_s, int exit_code);

/* Ends the job as far as MPI can (for fatal_handler_set). Does not return. */
void world_abort(void) __attribute__((noreturn));

#endif
