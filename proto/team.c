/* Transfers between the learner's ranks, and what they are put together to. */
#include "proto/team.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/profile.h"
#include "common/base/pulse.h"
#include "proto/life.h"
#include "proto/world.h"

enum {
  PIECE = 4 << 20,         /* bytes of one MPI message */
  WINDOW = PIECE / 4,      /* floats reduced at a time */
  TEAM_MAGIC = 0x54505254, /* "TRPT"; other bytes on a machine of another byte order */
  BODY_MAX = 1 << 30,      /* of a command */
};
static const double wait_s = 50e-6;

typedef struct Transfer {
  bool sends, active;
  int peer;
  unsigned char *bytes; /* borrowed; not written to when `sends` */
  size_t size, done, piece;
  MPI_Request request;
} Transfer;

struct Team {
  int rank, ranks;
  Life life;
  Transfer *transfer; /* [2 ranks] */
  int transfers;
  float *window;        /* [ranks][WINDOW]: what the others have of one's own segment */
  bool ended, finalize; /* the lead has closed */
};

int team_rank(const Team *team) { return team ? team->rank : 0; }
int team_ranks(const Team *team) { return team ? team->ranks : 1; }
const char *team_lost(const Team *team) { return team && team->life.lost ? team->life.reason : NULL; }

void team_pump(Team *team) {
  if (team) life_pump(&team->life);
}

void team_fail(Team *team, const char *reason) {
  if (team) life_give_up(&team->life, reason);
}

Status team_pass(Team *team, Status status) {
  if (status != OK) team_fail(team, status_message());
  return status;
}

/* --- transfers ------------------------------------------------------------------------------------------------------ */

static void transfer_add(Team *team, bool sends, int peer, const void *bytes, size_t size) {
  CHECK(team->transfers < 2 * team->ranks);
  team->transfer[team->transfers++] =
      (Transfer){.sends = sends, .peer = peer, .bytes = (unsigned char *)(uintptr_t)bytes, .size = size};
}

/* The next step of one transfer; true when something moved. */
static bool transfer_step(Team *team, Transfer *t) {
  bool moved = false;
  if (t->active) {
    int done = 0, bytes = 0;
    MPI_Status status;
    if (!life_worked(&team->life, t->peer, MPI_Test(&t->request, &done, &status)) || !done) return false;
    t->active = false;
    if (!t->sends) MPI_Get_count(&status, MPI_BYTE, &bytes);
    if (!t->sends && (size_t)bytes != t->piece) life_lose(&team->life, t->peer, "it is out of step with this one");
    t->done += t->piece;
    life_heard(&team->life, t->peer);
    moved = true;
  }
  if (t->done == t->size || team->life.lost) return moved;
  unsigned char *at = t->bytes + t->done;
  t->piece = t->size - t->done < PIECE ? t->size - t->done : PIECE;
  int code = t->sends ? MPI_Isend(at, (int)t->piece, MPI_BYTE, t->peer, TAG_DATA, MPI_COMM_WORLD, &t->request)
                      : MPI_Irecv(at, (int)t->piece, MPI_BYTE, t->peer, TAG_DATA, MPI_COMM_WORLD, &t->request);
  t->active = life_worked(&team->life, t->peer, code);
  return true;
}

/* After a loss: takes the memory of receives that have not begun from MPI; it may be gone when a message comes. */
static void transfers_drop(Team *team) {
  for (int i = 0; i < team->transfers; i++) {
    int done;
    if (!team->transfer[i].active || team->transfer[i].sends) continue;
    MPI_Cancel(&team->transfer[i].request);
    MPI_Test(&team->transfer[i].request, &done, MPI_STATUS_IGNORE);
  }
}

/* All of them, to the end. After a loss MPI may still hold the memory of one under way. */
static Status transfers_run(Team *team) {
  ProfileBegin began = profile_begin();
  for (bool left = true; left && !team->life.lost;) {
    bool moved = false;
    left = false;
    for (int i = 0; i < team->transfers; i++) {
      moved = transfer_step(team, &team->transfer[i]) || moved;
      left = left || team->transfer[i].done < team->transfer[i].size;
    }
    if (!left) break;
    team_pump(team);
    pulse();
    if (!moved) clock_sleep(wait_s);
  }
  if (team->life.lost) transfers_drop(team);
  team->transfers = 0;
  profile_end(PROFILE_IDLE, began, 0);
  return team->life.lost ? status_set(FAILED, "%s", team->life.reason) : OK;
}

static size_t floats_of(const size_t *start, int rank) { return start[rank + 1] - start[rank]; }

Status team_share(Team *team, const void *mine, size_t bytes, void *all) {
  int rank = team_rank(team);
  memcpy((unsigned char *)all + (size_t)rank * bytes, mine, bytes);
  if (!team) return OK;
  for (int r = 0; r < team->ranks; r++) {
    if (r == rank) continue;
    transfer_add(team, true, r, mine, bytes);
    transfer_add(team, false, r, (unsigned char *)all + (size_t)r * bytes, bytes);
  }
  return transfers_run(team);
}

Status team_broadcast(Team *team, void *bytes, size_t size) {
  if (!team) return OK;
  if (team->rank) transfer_add(team, false, 0, bytes, size);
  for (int r = 1; r < team->ranks && !team->rank; r++) transfer_add(team, true, r, bytes, size);
  return transfers_run(team);
}

bool team_decide(Team *team, bool mine) {
  uint8_t word = mine;
  return team_broadcast(team, &word, sizeof word) == OK ? word : mine;
}

Status team_all_gather(Team *team, float *block, const size_t *start) {
  if (!team) return OK;
  for (int r = 0; r < team->ranks; r++) {
    if (r == team->rank) continue;
    transfer_add(team, true, r, block + start[team->rank], floats_of(start, team->rank) * sizeof(float));
    transfer_add(team, false, r, block + start[r], floats_of(start, r) * sizeof(float));
  }
  return transfers_run(team);
}

/* The part of segment r in the window that begins at `at` floats. */
static size_t window_floats(const size_t *start, int r, size_t at) {
  size_t all = floats_of(start, r), left = all > at ? all - at : 0;
  return left < WINDOW ? left : WINDOW;
}

/* sum <- rank 0's + rank 1's + ..., this rank's being in `sum`. */
static void window_add(const Team *team, float *sum, size_t count) {
#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i++) {
    float total = 0;
    for (int r = 0; r < team->ranks; r++) total += r == team->rank ? sum[i] : team->window[(size_t)r * WINDOW + i];
    sum[i] = total;
  }
}

Status team_reduce_scatter(Team *team, float *block, const size_t *start) {
  if (!team) return OK;
  size_t largest = 0;
  for (int r = 0; r < team->ranks; r++) largest = floats_of(start, r) > largest ? floats_of(start, r) : largest;
  for (size_t at = 0; at < largest; at += WINDOW) {
    size_t mine = window_floats(start, team->rank, at);
    for (int r = 0; r < team->ranks; r++) {
      if (r == team->rank) continue;
      transfer_add(team, true, r, block + start[r] + at, window_floats(start, r, at) * sizeof(float));
      transfer_add(team, false, r, team->window + (size_t)r * WINDOW, mine * sizeof(float));
    }
    TRY(transfers_run(team));
    window_add(team, block + start[team->rank] + at, mine);
  }
  return OK;
}

Status team_gather(Team *team, const float *segment, const size_t *start, float *block) {
  if (team && team->rank) transfer_add(team, true, 0, segment, floats_of(start, team->rank) * sizeof(float));
  else memcpy(block, segment, floats_of(start, 0) * sizeof(float));
  for (int r = 1; team && !team->rank && r < team->ranks; r++)
    transfer_add(team, false, r, block + start[r], floats_of(start, r) * sizeof(float));
  return team ? transfers_run(team) : OK;
}

Status team_scatter(Team *team, const float *block, const size_t *start, float *segment) {
  if (team && team->rank) transfer_add(team, false, 0, segment, floats_of(start, team->rank) * sizeof(float));
  else memcpy(segment, block, floats_of(start, 0) * sizeof(float));
  for (int r = 1; team && !team->rank && r < team->ranks; r++)
    transfer_add(team, true, r, block + start[r], floats_of(start, r) * sizeof(float));
  return team ? transfers_run(team) : OK;
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

typedef struct CommandHead {
  uint64_t kind, size;
} CommandHead;

Status team_command(Team *team, uint32_t kind, const void *bytes, size_t size) {
  if (!team) return OK;
  CHECK(team->rank == 0 && size <= BODY_MAX);
  CommandHead head = {kind, size};
  TRY(team_broadcast(team, &head, sizeof head));
  return team_broadcast(team, (void *)(uintptr_t)bytes, size);
}

Status team_next(Team *team, uint32_t *kind, unsigned char **bytes, size_t *size) {
  CommandHead head = {0};
  *bytes = NULL;
  TRY(team_broadcast(team, &head, sizeof head));
  if (head.size > BODY_MAX)
    return status_set(FAILED, "learner rank 0 announced a command of %llu bytes; at most %llu were expected",
                      (unsigned long long)head.size, (unsigned long long)BODY_MAX);
  *kind = (uint32_t)head.kind;
  *size = (size_t)head.size;
  *bytes = xmalloc(*size + 1);
  Status status = team_broadcast(team, *bytes, *size);
  if (status == OK && *kind == TEAM_END) team->ended = true, team->finalize = *size == 1 && (*bytes)[0];
  return status; /* after a loss the memory is still MPI's */
}

/* --- start and end -------------------------------------------------------------------------------------------------- */

Status team_open(Team **opened, int ranks, bool actors, bool threads, double start_s) {
  *opened = NULL;
  TRY(world_start(ROLE_LEARNER, threads, start_s));
  TRY(world_layout(ranks, actors));
  Team *team = *opened = xcalloc(1, sizeof *team);
  *team = (Team){.rank = world_rank(), .ranks = ranks};
  life_init(&team->life, team->rank, ranks);
  team->transfer = xcalloc(2 * (size_t)ranks, sizeof *team->transfer);
  team->window = xmalloc((size_t)ranks * WINDOW * sizeof(float));
  return OK;
}

typedef struct Hello {
  uint32_t magic;
  TeamMember member;
  ProcessName process;
} Hello;

static Status judge(const Team *team, const Hello *hello) {
  const TeamMember *lead = &hello[0].member;
  for (int r = 1; r < team->ranks; r++) {
    const TeamMember *member = &hello[r].member;
    if (hello[r].magic != TEAM_MAGIC) return status_set(BAD_INPUT, "learner rank %d has another byte order", r);
    if (strcmp(member->config_hash, lead->config_hash) != 0)
      return status_set(BAD_INPUT,
                        "learner rank %d has another configuration (%s) than rank 0 (%s): start all ranks with the "
                        "same file",
                        r, member->config_hash, lead->config_hash);
    if (strcmp(member->dataset_hash, lead->dataset_hash) != 0 || member->floats != lead->floats)
      return status_set(
          BAD_INPUT,
          "learner rank %d has another dataset (%s) than rank 0 (%s): data.file must be the same on every machine", r,
          member->dataset_hash, lead->dataset_hash);
    if (team->rank == 0 && strcmp(member->kernel, lead->kernel) != 0)
      log_warning(
          "learner rank %d uses BLAS kernel %s, rank 0 %s: results may differ in their last bits from run to run", r,
          member->kernel, lead->kernel);
  }
  return OK;
}

Status team_meet(Team *team, const TeamMember *self) {
  if (!team) return OK;
  Hello mine;
  memset(&mine, 0, sizeof mine); /* its gaps are sent too */
  mine.magic = TEAM_MAGIC;
  mine.member = *self;
  process_self(&mine.process);
  Hello *all = xcalloc((size_t)team->ranks, sizeof *all);
  Status status = team_share(team, &mine, sizeof mine, all);
  if (status != OK) return status; /* `all` is still MPI's */
  status = judge(team, all);
  for (int r = 0; r < team->ranks; r++) {
    life_name(&team->life, r, &all[r].process);
    if (r && !team->rank && status == OK)
      log_info("learner rank %d joined (%s, pid %d)", r, all[r].process.host, all[r].process.pid);
  }
  free(all);
  return status;
}

/* Passes over commands that are not for it any more. */
static void end_await(Team *team) {
  while (!team->ended && !team->life.lost) {
    uint32_t kind;
    unsigned char *bytes;
    size_t size;
    if (team_next(team, &kind, &bytes, &size) == OK) free(bytes);
  }
}

bool team_close(Team *team, bool finalize) {
  if (!team) return finalize;
  if (team->rank) end_await(team);
  life_settle(&team->life);
  if (team->rank) finalize = team->finalize;
  else if (team->life.lost) team_fail(team, team->life.reason);
  else (void)team_command(team, TEAM_END, &(uint8_t){finalize}, 1);
  finalize = finalize && !team->life.lost;
  free(team->transfer);
  free(team->window);
  life_free(&team->life, finalize);
  free(team);
  return finalize;
}
