/* Life: which of the learner's ranks still live. Each sends the others a word a second, or a last one that says why it gives
 * up; a process of this machine that has ended, a silence, an MPI error are a loss, too. The first loss stays. */
#ifndef TROUPE_PROTO_LIFE_H
#define TROUPE_PROTO_LIFE_H

#include <stdbool.h>

#include "proto/process.h"

enum { LIFE_REASON = 256 };
/* MPI tags between the learner's ranks: these words, and proto/team.h's transfers. Above the message types of actors. */
enum { TAG_WORD = 64, TAG_DATA };

typedef struct Life {
  int rank, ranks;            /* this one's; all of them: 0 .. ranks - 1 */
  struct LifeMember *member;  /* [ranks]; one's own is unused */
  double clock, seen, looked; /* progress time; wall times of the last pump and of the last look at processes */
  bool lost;
  char reason[LIFE_REASON]; /* of the loss: which rank, and why */
} Life;

void life_init(Life *life, int rank, int ranks);
/* Unless `whole`, MPI may still have words: their memory is left, and the process is about to end. */
void life_free(Life *life, bool whole);

void life_name(Life *life, int rank, const ProcessName *process); /* which process that rank is */
void life_heard(Life *life, int rank);                            /* it has sent something else */
void life_lose(Life *life, int rank, const char *why);
bool life_worked(Life *life, int rank, int mpi_code); /* else that rank is lost */

/* Sends, listens, looks; never waits. */
void life_pump(Life *life);
/* Waits, but not long, until what was said to the others has left. */
void life_settle(Life *life);
/* This rank gives up: a loss, here and where it is heard. */
void life_give_up(Life *life, const char *reason);

#endif
