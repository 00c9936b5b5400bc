/* Words over MPI, and a look at processes and clocks. */
#include "proto/life.h"

#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/status.h"

static const double beat_s = 1, silence_s = 300, look_s = 0.5, clock_step_s = 0.05, wait_s = 50e-6, settle_s = 1;

typedef enum WordKind { WORD_BEAT = 1, WORD_FAIL } WordKind;

/* A sign of life, or of the end. */
typedef struct Word {
  uint32_t kind;
  char reason[LIFE_REASON]; /* FAIL */
} Word;

typedef struct LifeMember {
  ProcessName process;
  double heard, told; /* progress time; wall time */
  bool sending, receiving, gone;
  MPI_Request send, receive;
  Word said, hears; /* while they belong to MPI */
} LifeMember;

void life_init(Life *life, int rank, int ranks) {
  *life = (Life){.rank = rank, .ranks = ranks, .seen = clock_seconds()};
  life->member = xcalloc((size_t)ranks, sizeof *life->member);
}

void life_free(Life *life, bool whole) {
  if (whole) free(life->member);
  life->member = NULL;
}

void life_name(Life *life, int rank, const ProcessName *process) { life->member[rank].process = *process; }
void life_heard(Life *life, int rank) { life->member[rank].heard = life->clock; }

void life_lose(Life *life, int rank, const char *why) {
  if (life->lost) return;
  life->lost = true;
  snprintf(life->reason, sizeof life->reason, "learner rank %d is lost: %.200s", rank, why);
}

bool life_worked(Life *life, int rank, int mpi_code) {
  if (mpi_code == MPI_SUCCESS) return true;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(mpi_code, text, &length);
  life_lose(life, rank, text);
  return false;
}

static void say(Life *life, int rank, const Word *word) {
  LifeMember *member = &life->member[rank];
  int done = !member->sending;
  if (member->sending && !life_worked(life, rank, MPI_Test(&member->send, &done, MPI_STATUS_IGNORE))) return;
  if (!done) return;
  member->said = *word;
  member->sending = life_worked(
      life, rank,
      MPI_Isend(&member->said, sizeof member->said, MPI_BYTE, rank, TAG_WORD, MPI_COMM_WORLD, &member->send));
  member->told = clock_seconds();
}

static void listen(Life *life, int rank) {
  LifeMember *member = &life->member[rank];
  int there = 0, done = 0;
  /* the probe also keeps Open MPI 4.1 from spinning in MPI_Test after sends to a dead TCP peer */
  if (!member->receiving) {
    if (!life_worked(life, rank, MPI_Iprobe(rank, TAG_WORD, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE)) || !there)
      return;
    member->receiving = life_worked(
        life, rank,
        MPI_Irecv(&member->hears, sizeof member->hears, MPI_BYTE, rank, TAG_WORD, MPI_COMM_WORLD, &member->receive));
  }
  if (!member->receiving || !life_worked(life, rank, MPI_Test(&member->receive, &done, MPI_STATUS_IGNORE)) || !done)
    return;
  member->receiving = false;
  member->heard = life->clock;
  member->hears.reason[LIFE_REASON - 1] = 0;
  if (member->hears.kind == WORD_FAIL) life_lose(life, rank, member->hears.reason);
}

/* A process that has just ended may have left a message: it is lost at the second look. */
static void look(Life *life, int rank) {
  LifeMember *member = &life->member[rank];
  if (member->gone) life_lose(life, rank, "its process has ended");
  member->gone = process_gone(&member->process);
  if (life->clock - member->heard > silence_s) life_lose(life, rank, "it has been silent for minutes");
}

void life_pump(Life *life) {
  double now = clock_seconds();
  life->clock += now - life->seen < clock_step_s ? now - life->seen : clock_step_s;
  life->seen = now;
  bool looks = now - life->looked > look_s;
  if (looks) life->looked = now;
  for (int rank = 0; rank < life->ranks && !life->lost; rank++) {
    if (rank == life->rank) continue;
    listen(life, rank);
    if (now - life->member[rank].told > beat_s) say(life, rank, &(Word){.kind = WORD_BEAT});
    if (looks) look(life, rank);
  }
}

void life_settle(Life *life) {
  double limit = clock_seconds() + settle_s;
  for (int rank = 0; rank < life->ranks; rank++) {
    LifeMember *member = &life->member[rank];
    for (int done = 0; member->sending && clock_seconds() < limit; clock_sleep(wait_s))
      member->sending = MPI_Test(&member->send, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done;
  }
}

void life_give_up(Life *life, const char *reason) {
  Word word = {.kind = WORD_FAIL};
  snprintf(word.reason, sizeof word.reason, "%.200s", reason);
  if (!life->lost) snprintf(life->reason, sizeof life->reason, "%s", word.reason);
  life->lost = true;
  life_settle(life);
  for (int rank = 0; rank < life->ranks; rank++)
    if (rank != life->rank) say(life, rank, &word);
  life_settle(life);
}
