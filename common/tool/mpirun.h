/* Mpirun: the command that starts the learner's ranks and the actors, with the options this MPI needs. */
#ifndef TROUPE_TOOL_MPIRUN_H
#define TROUPE_TOOL_MPIRUN_H

#include "common/config/command.h"
#include "common/tool/placement.h"

/* Prints and runs mpirun for a stage ("pretrain" | "train"); returns the run's exit code. */
int mpirun_stage(const Command *command, const Config *config, const char *stage);

/* Prints and runs mpirun for more actors (-1: as many as there are cores) of a run that goes on; returns the run's exit code, or 0
 * when they were told to leave. */
int mpirun_join(const char *run, int actors);

/* Where that puts the ranks; the caller frees the placement. Threads go into the environment. */
void mpirun_place(Placement *placement, const Command *command, const Config *config, const char *stage);

#endif
