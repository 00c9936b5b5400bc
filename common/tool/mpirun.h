/* Mpirun: the command that starts one learner and many actors, with the options this MPI needs. */
#ifndef TROUPE_TOOL_MPIRUN_H
#define TROUPE_TOOL_MPIRUN_H

#include "common/config/command.h"

/* Prints and runs mpirun; returns the run's exit code. */
int mpirun_train(const Command *command, const Config *config);

#endif
