/* Door: how processes of another mpirun come to a learner that runs. One knocks (a file), the learner answers with
 * MPI_Comm_accept, in a thread of its own, and the other calls MPI_Comm_connect (MPI 3.1, 10.4); both over MPI_COMM_SELF, so
 * that no rank that has died can hold them up. Open MPI 4.1 does it when both mpiruns are given one ompi-server (`troupe
 * train` and `troupe join` see to it).
 *
 * In the folder: port, the name of the learner's port while it runs; lock, of the one who is connecting; knock. */
#ifndef TROUPE_PROTO_DOOR_H
#define TROUPE_PROTO_DOOR_H

#include <mpi.h>
#include <stdbool.h>

#include "common/base/status.h"

/* The learner's side, at most once in a process; MPI runs with threads (world_start). Creates the folder. Errors: FAILED no port,
 * no thread, or the folder cannot be written. */
Status door_open(const char *folder);
/* The communicator of a process that came in and was not yet told, in which it is rank 0; else MPI_COMM_NULL. Never waits. */
MPI_Comm door_next(void);
/* Nobody comes in any more. True: nobody knocked, and MPI can be finalized. False: a process came in, or an accept waits for one
 * that died, which nothing calls back: the thread is left to itself. */
bool door_shut(void);

/* The other side: connects to the learner, its rank 0; one process at a time. Ends the process when that takes longer than limit_s.
 * Errors: BAD_INPUT there is no door; FAILED MPI cannot connect. */
Status door_enter(const char *folder, double limit_s, MPI_Comm *learner);

#endif
