/* Team: the learner's ranks among themselves (learner.ranks: K, ranks 0 .. K - 1 of MPI_COMM_WORLD; rank 0 is the lead).
 * Each call below that all of them make in the same order moves memory between them by nonblocking point-to-point MPI and
 * waits for the end of it; meanwhile pulse() is called, so the lead goes on serving actors. What is added is added in the
 * order of the ranks, so that bits depend on K alone.
 *
 * A rank that dies, stays silent or gives up is a loss for good: every call then fails at once with the same message, and the
 * run ends. A NULL team is one rank by itself: nothing moves. */
#ifndef TROUPE_PROTO_TEAM_H
#define TROUPE_PROTO_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/hash.h"
#include "common/base/status.h"

typedef struct Team Team;
enum { TEAM_RANKS_MAX = 64 };

/* Starts MPI (world_start, with `threads`). `actors`: other ranks are to be actors. Errors: BAD_INPUT the ranks stand otherwise; FAILED. */
Status team_open(Team **team, int ranks, bool actors, bool threads, double start_s);

/* What must be the same on all ranks. */
typedef struct TeamMember {
  char config_hash[HASH_TEXT], dataset_hash[HASH_TEXT];
  char kernel[64]; /* BLAS kernel: another one than the lead's is warned of */
  uint64_t floats; /* weights in a block */
} TeamMember;

/* The first call of all ranks. Errors: BAD_INPUT naming the first rank that differs from the lead. */
Status team_meet(Team *team, const TeamMember *self);

int team_rank(const Team *team);
int team_ranks(const Team *team);

/* all [K] of `bytes` each <- every rank's `mine`. */
Status team_share(Team *team, const void *mine, size_t bytes, void *all);
/* The lead's answer. After a loss one's own: the next call tells of it. */
bool team_decide(Team *team, bool mine);
Status team_broadcast(Team *team, void *bytes, size_t size); /* the lead's */

/* Blocks of floats in K segments: segment r is start[r] .. start[r + 1] - 1. */
Status team_reduce_scatter(Team *team, float *block, const size_t *start); /* own segment <- sum over ranks */
Status team_all_gather(Team *team, float *block, const size_t *start);     /* all segments <- their owners' */
/* Between the lead's whole block (NULL elsewhere) and the owners' segments. */
Status team_gather(Team *team, const float *segment, const size_t *start, float *block);
Status team_scatter(Team *team, const float *block, const size_t *start, float *segment);

/* The lead tells the others what comes next: `kind` > 0 and bytes. team_next waits for it (owned by the caller); kind
 * TEAM_END: the lead has closed. */
enum { TEAM_END = 0 };
Status team_command(Team *team, uint32_t kind, const void *bytes, size_t size);
Status team_next(Team *team, uint32_t *kind, unsigned char **bytes, size_t *size);

/* Signs of life: call it every 10 ms or so while computing. */
void team_pump(Team *team);
/* Why a rank is lost; NULL when none is. */
const char *team_lost(const Team *team);
/* This rank cannot go on: the others are told why. */
void team_fail(Team *team, const char *reason);
/* Passes on the status of what this rank does by itself, with team_fail when it is not OK. */
Status team_pass(Team *team, Status status);

/* The lead, after the last command: tells the others, and whether MPI is going to be finalized; they wait for that here, or
 * in team_next. After a loss it is not. Frees. True: call world_finalize (or channel_close does); false: flush and _exit. */
bool team_close(Team *team, bool finalize);

#endif
