/* Transfers between the learner's ranks, and who of them still lives. */
#include "proto/team.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/pulse.h"
#include "proto/process.h"
#include "proto/world.h"

enum {
  REASON = 256,
  TAG_WORD = 64, /* above the types of the messages to and from actors */
  TAG_DATA,
  PIECE = 4 << 20,         /* bytes of one MPI message */
  WINDOW = PIECE / 4,      /* floats reduced at a time */
  TEAM_MAGIC = 0x54505254, /* "TRPT"; other bytes on a machine of another byte order */
  BODY_MAX = 1 << 30,      /* of a command */
};
static const double beat_s = 1, silence_s = 300, look_s = 0.5, clock_step_s = 0.05, wait_s = 50e-6, part_s = 1;

typedef enum WordKind { WORD_BEAT = 1, WORD_FAIL } WordKind;

/* A sign of life, or of the end. */
typedef struct Word {
  uint32_t kind;
  char reason[REASON]; /* FAIL */
} Word;

typedef struct Member {
  ProcessName process;
  double heard, told; /* progress time; wall time */
  bool sending, receiving, gone;
  MPI_Request send, receive;
  Word said, hears; /* while they belong to MPI */
} Member;

typedef struct Transfer {
  bool sends, active;
  int peer;
  unsigned char *bytes; /* borrowed; not written to when `sends` */
  size_t size, done, piece;
  MPI_Request request;
} Transfer;

struct Team {
  int rank, ranks;
  Member *member;     /* [ranks]; one's own is unused */
  Transfer *transfer; /* [2 ranks] */
  float *window;      /* [ranks][WINDOW]: what the others have of one's own segment */
  int transfers;
  double clock, seen, looked; /* progress time; wall times of the last pump and of the last look at processes */
  bool lost, ended, finalize; /* the last two: the lead has closed */
  char reason[REASON];
};

int team_rank(const Team *g) { return g ? g->rank : 0; }
int team_ranks(const Team *g) { return g ? g->ranks : 1; }
const char *team_lost(const Team *g) { return g && g->lost ? g->reason : NULL; }

static void lose(Team *g, int rank, const char *why) {
  if (g->lost) return;
  g->lost = true;
  snprintf(g->reason, sizeof g->reason, "learner rank %d is lost: %.200s", rank, why);
}

/* True when the MPI call worked. */
static bool worked(Team *g, int rank, int code) {
  if (code == MPI_SUCCESS) return true;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  lose(g, rank, text);
  return false;
}

static Status standing(const Team *g) { return g->lost ? status_set(FAILED, "%s", g->reason) : OK; }

/* --- signs of life -------------------------------------------------------------------------------------------------- */

static void say(Team *g, int rank, const Word *word) {
  Member *member = &g->member[rank];
  int done = !member->sending;
  if (member->sending && !worked(g, rank, MPI_Test(&member->send, &done, MPI_STATUS_IGNORE))) return;
  if (!done) return;
  member->said = *word;
  member->sending = worked(
      g, rank, MPI_Isend(&member->said, sizeof member->said, MPI_BYTE, rank, TAG_WORD, MPI_COMM_WORLD, &member->send));
  member->told = clock_seconds();
}

static void listen(Team *g, int rank) {
  Member *member = &g->member[rank];
  int there = 0, done = 0;
  /* the probe also keeps Open MPI 4.1 from spinning in MPI_Test after sends to a dead TCP peer */
  if (!member->receiving) {
    if (!worked(g, rank, MPI_Iprobe(rank, TAG_WORD, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE)) || !there) return;
    member->receiving = worked(
        g, rank,
        MPI_Irecv(&member->hears, sizeof member->hears, MPI_BYTE, rank, TAG_WORD, MPI_COMM_WORLD, &member->receive));
  }
  if (!member->receiving || !worked(g, rank, MPI_Test(&member->receive, &done, MPI_STATUS_IGNORE)) || !done) return;
  member->receiving = false;
  member->heard = g->clock;
  member->hears.reason[REASON - 1] = 0;
  if (member->hears.kind == WORD_FAIL) lose(g, rank, member->hears.reason);
}

/* A process that has just ended may have left a message: it is lost at the second look. */
static void look(Team *g, int rank) {
  Member *member = &g->member[rank];
  if (member->gone) lose(g, rank, "its process has ended");
  member->gone = process_gone(&member->process);
  if (g->clock - member->heard > silence_s) lose(g, rank, "it has been silent for minutes");
}

void team_pump(Team *g) {
  if (!g) return;
  double now = clock_seconds();
  g->clock += now - g->seen < clock_step_s ? now - g->seen : clock_step_s;
  g->seen = now;
  bool looks = now - g->looked > look_s;
  if (looks) g->looked = now;
  for (int rank = 0; rank < g->ranks && !g->lost; rank++) {
    if (rank == g->rank) continue;
    listen(g, rank);
    if (now - g->member[rank].told > beat_s) say(g, rank, &(Word){.kind = WORD_BEAT});
    if (looks) look(g, rank);
  }
}

/* Waits, but not long, until what was said to the others has left. */
static void said_out(Team *g) {
  double limit = clock_seconds() + part_s;
  for (int rank = 0; rank < g->ranks; rank++) {
    Member *member = &g->member[rank];
    for (int done = 0; member->sending && clock_seconds() < limit; clock_sleep(wait_s))
      member->sending = MPI_Test(&member->send, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done;
  }
}

void team_fail(Team *g, const char *reason) {
  if (!g) return;
  Word word = {.kind = WORD_FAIL};
  snprintf(word.reason, sizeof word.reason, "%.200s", reason);
  if (!g->lost) snprintf(g->reason, sizeof g->reason, "%s", word.reason);
  g->lost = true;
  said_out(g);
  for (int rank = 0; rank < g->ranks; rank++)
    if (rank != g->rank) say(g, rank, &word);
  said_out(g);
}

Status team_pass(Team *g, Status status) {
  if (status != OK) team_fail(g, status_message());
  return status;
}

/* --- transfers ------------------------------------------------------------------------------------------------------ */

static void transfer_add(Team *g, bool sends, int peer, const void *bytes, size_t size) {
  CHECK(g->transfers < 2 * g->ranks);
  g->transfer[g->transfers++] =
      (Transfer){.sends = sends, .peer = peer, .bytes = (unsigned char *)(uintptr_t)bytes, .size = size};
}

/* The next step of one transfer; true when something moved. */
static bool transfer_step(Team *g, Transfer *t) {
  bool moved = false;
  if (t->active) {
    int done = 0, bytes = 0;
    MPI_Status status;
    if (!worked(g, t->peer, MPI_Test(&t->request, &done, &status)) || !done) return false;
    t->active = false;
    if (!t->sends) MPI_Get_count(&status, MPI_BYTE, &bytes);
    if (!t->sends && (size_t)bytes != t->piece) lose(g, t->peer, "it is out of step with this one");
    t->done += t->piece;
    g->member[t->peer].heard = g->clock;
    moved = true;
  }
  if (t->done == t->size || g->lost) return moved;
  unsigned char *at = t->bytes + t->done;
  t->piece = t->size - t->done < PIECE ? t->size - t->done : PIECE;
  int code = t->sends ? MPI_Isend(at, (int)t->piece, MPI_BYTE, t->peer, TAG_DATA, MPI_COMM_WORLD, &t->request)
                      : MPI_Irecv(at, (int)t->piece, MPI_BYTE, t->peer, TAG_DATA, MPI_COMM_WORLD, &t->request);
  t->active = worked(g, t->peer, code);
  return true;
}

/* After a loss: takes the memory of receives that have not begun from MPI; it may be gone when a message comes. */
static void transfers_drop(Team *g) {
  for (int i = 0; i < g->transfers; i++) {
    int done;
    if (!g->transfer[i].active || g->transfer[i].sends) continue;
    MPI_Cancel(&g->transfer[i].request);
    MPI_Test(&g->transfer[i].request, &done, MPI_STATUS_IGNORE);
  }
}

/* All of them, to the end. After a loss MPI may still hold the memory of one under way. */
static Status transfers_run(Team *g) {
  ProfileBegin began = profile_begin();
  for (bool left = true; left && !g->lost;) {
    bool moved = false;
    left = false;
    for (int i = 0; i < g->transfers; i++) {
      moved = transfer_step(g, &g->transfer[i]) || moved;
      left = left || g->transfer[i].done < g->transfer[i].size;
    }
    if (!left) break;
    team_pump(g);
    pulse();
    if (!moved) clock_sleep(wait_s);
  }
  if (g->lost) transfers_drop(g);
  g->transfers = 0;
  profile_end(PROFILE_IDLE, began, 0);
  return standing(g);
}

static size_t floats_of(const size_t *start, int rank) { return start[rank + 1] - start[rank]; }

Status team_share(Team *g, const void *mine, size_t bytes, void *all) {
  int rank = team_rank(g);
  memcpy((unsigned char *)all + (size_t)rank * bytes, mine, bytes);
  if (!g) return OK;
  for (int r = 0; r < g->ranks; r++) {
    if (r == rank) continue;
    transfer_add(g, true, r, mine, bytes);
    transfer_add(g, false, r, (unsigned char *)all + (size_t)r * bytes, bytes);
  }
  return transfers_run(g);
}

Status team_broadcast(Team *g, void *bytes, size_t size) {
  if (!g) return OK;
  if (g->rank) transfer_add(g, false, 0, bytes, size);
  for (int r = 1; r < g->ranks && !g->rank; r++) transfer_add(g, true, r, bytes, size);
  return transfers_run(g);
}

bool team_decide(Team *g, bool mine) {
  uint8_t word = mine;
  return team_broadcast(g, &word, sizeof word) == OK ? word : mine;
}

Status team_all_gather(Team *g, float *block, const size_t *start) {
  if (!g) return OK;
  for (int r = 0; r < g->ranks; r++) {
    if (r == g->rank) continue;
    transfer_add(g, true, r, block + start[g->rank], floats_of(start, g->rank) * sizeof(float));
    transfer_add(g, false, r, block + start[r], floats_of(start, r) * sizeof(float));
  }
  return transfers_run(g);
}

/* The part of segment r in the window that begins at `at` floats. */
static size_t window_floats(const size_t *start, int r, size_t at) {
  size_t all = floats_of(start, r), left = all > at ? all - at : 0;
  return left < WINDOW ? left : WINDOW;
}

/* sum <- rank 0's + rank 1's + ..., this rank's being in `sum`. */
static void window_add(const Team *g, float *sum, size_t count) {
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i++) {
    float total = 0;
    for (int r = 0; r < g->ranks; r++) total += r == g->rank ? sum[i] : g->window[(size_t)r * WINDOW + i];
    sum[i] = total;
  }
}

Status team_reduce_scatter(Team *g, float *block, const size_t *start) {
  if (!g) return OK;
  size_t largest = 0;
  for (int r = 0; r < g->ranks; r++) largest = floats_of(start, r) > largest ? floats_of(start, r) : largest;
  for (size_t at = 0; at < largest; at += WINDOW) {
    size_t mine = window_floats(start, g->rank, at);
    for (int r = 0; r < g->ranks; r++) {
      if (r == g->rank) continue;
      transfer_add(g, true, r, block + start[r] + at, window_floats(start, r, at) * sizeof(float));
      transfer_add(g, false, r, g->window + (size_t)r * WINDOW, mine * sizeof(float));
    }
    TRY(transfers_run(g));
    window_add(g, block + start[g->rank] + at, mine);
  }
  return OK;
}

Status team_gather(Team *g, const float *segment, const size_t *start, float *block) {
  if (g && g->rank) transfer_add(g, true, 0, segment, floats_of(start, g->rank) * sizeof(float));
  else memcpy(block, segment, floats_of(start, 0) * sizeof(float));
  for (int r = 1; g && !g->rank && r < g->ranks; r++)
    transfer_add(g, false, r, block + start[r], floats_of(start, r) * sizeof(float));
  return g ? transfers_run(g) : OK;
}

Status team_scatter(Team *g, const float *block, const size_t *start, float *segment) {
  if (g && g->rank) transfer_add(g, false, 0, segment, floats_of(start, g->rank) * sizeof(float));
  else memcpy(segment, block, floats_of(start, 0) * sizeof(float));
  for (int r = 1; g && !g->rank && r < g->ranks; r++)
    transfer_add(g, true, r, block + start[r], floats_of(start, r) * sizeof(float));
  return g ? transfers_run(g) : OK;
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

typedef struct CommandHead {
  uint64_t kind, size;
} CommandHead;

Status team_command(Team *g, uint32_t kind, const void *bytes, size_t size) {
  if (!g) return OK;
  CHECK(g->rank == 0 && size <= BODY_MAX);
  CommandHead head = {kind, size};
  TRY(team_broadcast(g, &head, sizeof head));
  return team_broadcast(g, (void *)(uintptr_t)bytes, size);
}

Status team_next(Team *g, uint32_t *kind, unsigned char **bytes, size_t *size) {
  CommandHead head = {0};
  *bytes = NULL;
  TRY(team_broadcast(g, &head, sizeof head));
  if (head.size > BODY_MAX)
    return status_set(FAILED, "the lead said a command of %llu bytes", (unsigned long long)head.size);
  *kind = (uint32_t)head.kind;
  *size = (size_t)head.size;
  *bytes = xmalloc(*size + 1);
  Status status = team_broadcast(g, *bytes, *size);
  if (status == OK && *kind == TEAM_END) g->ended = true, g->finalize = *size == 1 && (*bytes)[0];
  return status; /* after a loss the memory is still MPI's */
}

/* --- start and end -------------------------------------------------------------------------------------------------- */

Status team_open(Team **opened, int ranks, bool actors, double start_s) {
  *opened = NULL;
  TRY(world_start(ROLE_LEARNER, start_s));
  TRY(world_layout(ranks, actors));
  Team *g = *opened = xcalloc(1, sizeof *g);
  *g = (Team){.rank = world_rank(), .ranks = ranks, .seen = clock_seconds()};
  g->member = xcalloc((size_t)ranks, sizeof *g->member);
  g->transfer = xcalloc(2 * (size_t)ranks, sizeof *g->transfer);
  g->window = xmalloc((size_t)ranks * WINDOW * sizeof(float));
  return OK;
}

typedef struct Hello {
  uint32_t magic;
  TeamMember member;
  ProcessName process;
} Hello;

static Status judge(const Team *g, const Hello *hello) {
  const TeamMember *lead = &hello[0].member;
  for (int r = 1; r < g->ranks; r++) {
    const TeamMember *member = &hello[r].member;
    if (hello[r].magic != TEAM_MAGIC) return status_set(BAD_INPUT, "learner rank %d has another byte order", r);
    if (strcmp(member->config_hash, lead->config_hash) != 0)
      return status_set(BAD_INPUT,
                        "learner rank %d has another configuration (%s) than rank 0 (%s): start all ranks with the "
                        "same file",
                        r, member->config_hash, lead->config_hash);
    if (strcmp(member->dataset_hash, lead->dataset_hash) != 0 || member->floats != lead->floats)
      return status_set(BAD_INPUT, "learner rank %d has another dataset (%s) than rank 0 (%s)", r, member->dataset_hash,
                        lead->dataset_hash);
    if (g->rank == 0 && strcmp(member->kernel, lead->kernel) != 0)
      log_warning(
          "learner rank %d uses BLAS kernel %s, rank 0 %s: results may differ in their last bits from run to run", r,
          member->kernel, lead->kernel);
  }
  return OK;
}

Status team_meet(Team *g, const TeamMember *self) {
  if (!g) return OK;
  Hello mine;
  memset(&mine, 0, sizeof mine); /* its gaps are sent too */
  mine.magic = TEAM_MAGIC;
  mine.member = *self;
  process_self(&mine.process);
  Hello *all = xcalloc((size_t)g->ranks, sizeof *all);
  Status status = team_share(g, &mine, sizeof mine, all);
  if (status != OK) return status; /* `all` is still MPI's */
  status = judge(g, all);
  for (int r = 0; r < g->ranks; r++) {
    g->member[r].process = all[r].process;
    if (r && !g->rank && status == OK)
      log_info("learner rank %d joined (%s, pid %d)", r, all[r].process.host, all[r].process.pid);
  }
  free(all);
  return status;
}

/* Passes over commands that are not for it any more. */
static void end_await(Team *g) {
  while (!g->ended && !g->lost) {
    uint32_t kind;
    unsigned char *bytes;
    size_t size;
    if (team_next(g, &kind, &bytes, &size) == OK) free(bytes);
  }
}

bool team_close(Team *g, bool finalize) {
  if (!g) return finalize;
  if (g->rank) end_await(g);
  said_out(g);
  if (g->rank) finalize = g->finalize;
  else if (g->lost) team_fail(g, g->reason);
  else (void)team_command(g, TEAM_END, &(uint8_t){finalize}, 1);
  finalize = finalize && !g->lost;
  free(g->transfer);
  free(g->window);
  if (finalize) free(g->member); /* else MPI may still have words of it, and the process is about to end */
  free(g);
  return finalize;
}
