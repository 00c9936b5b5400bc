/* The learner's ranks among themselves, under real MPI: every call gives what one rank alone would compute, in the order of the
 * ranks, with segments of any size, none included. `team_test RANKS [die|fail RANK]`: that rank is killed, or gives up, half
 * way; the others must say so and end. `team.sh` runs the cases. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "proto/team.h"
#include "proto/world.h"

enum { FLOATS = 2500000 }; /* segments of more than one window */

static Team *team;
static int rank, ranks;

static void expect(bool true_, const char *what) {
  if (true_) return;
  printf("FAILED rank %d: %s\n", rank, what);
  fflush(stdout);
  world_abort();
}

/* Any two differ, and their sum depends on the order. */
static float value(int r, size_t i) { return (float)((i * 2654435761u + (size_t)r * 40503u) % 100003u) / 7 - 7143; }

static float *block_of(int r) {
  float *block = malloc(FLOATS * sizeof *block);
  for (size_t i = 0; i < FLOATS; i++) block[i] = value(r, i);
  return block;
}

/* Uneven: rank 0 has half, the last but one nothing. */
static void segments(size_t *start) {
  start[0] = 0;
  for (int r = 1; r < ranks; r++) start[r] = FLOATS / 2 + (size_t)(r - 1) * 1000;
  if (ranks > 2) start[ranks - 1] = start[ranks - 2];
  start[ranks] = FLOATS;
}

static Status small_ones(void) {
  int mine = 10 * rank, all[TEAM_RANKS_MAX];
  TRY(team_share(team, &mine, sizeof mine, all));
  for (int r = 0; r < ranks; r++) expect(all[r] == 10 * r, "team_share");
  expect(team_decide(team, rank == 0) && !team_decide(team, rank != 0), "team_decide");
  char text[16] = "";
  if (!rank) strcpy(text, "from the lead");
  TRY(team_broadcast(team, text, sizeof text));
  expect(strcmp(text, "from the lead") == 0, "team_broadcast");
  return OK;
}

static Status blocks(void) {
  size_t start[TEAM_RANKS_MAX + 1];
  segments(start);
  float *block = block_of(rank), *whole = malloc(FLOATS * sizeof *whole), *mine = block + start[rank];
  size_t own = start[rank + 1] - start[rank];
  TRY(team_reduce_scatter(team, block, start));
  for (size_t i = start[rank]; i < start[rank + 1]; i++) {
    float sum = 0;
    for (int r = 0; r < ranks; r++) sum += value(r, i);
    expect(block[i] == sum, "team_reduce_scatter");
  }
  for (size_t i = 0; i < own; i++) mine[i] = value(77, start[rank] + i);
  TRY(team_all_gather(team, block, start));
  for (size_t i = 0; i < FLOATS; i++) expect(block[i] == value(77, i), "team_all_gather");
  for (size_t i = 0; i < own; i++) mine[i] = value(78, start[rank] + i);
  memset(whole, 0, FLOATS * sizeof *whole);
  TRY(team_gather(team, mine, start, rank ? NULL : whole));
  for (size_t i = 0; i < FLOATS && !rank; i++) expect(whole[i] == value(78, i), "team_gather");
  memset(mine, 0, own * sizeof *mine);
  TRY(team_scatter(team, rank ? NULL : whole, start, mine));
  for (size_t i = 0; i < own; i++) expect(mine[i] == value(78, start[rank] + i), "team_scatter");
  free(block);
  free(whole);
  return OK;
}

static Status commands(void) {
  if (!rank) {
    TRY(team_command(team, 5, "five", 5));
    return team_command(team, 6, NULL, 0);
  }
  uint32_t kind;
  unsigned char *bytes;
  size_t size;
  TRY(team_next(team, &kind, &bytes, &size));
  expect(kind == 5 && size == 5 && strcmp((char *)bytes, "five") == 0, "team_next");
  free(bytes);
  TRY(team_next(team, &kind, &bytes, &size));
  expect(kind == 6 && size == 0, "team_next without bytes");
  free(bytes);
  return OK;
}

static Status work(int argc, char **argv) {
  TeamMember self = {.config_hash = "c", .dataset_hash = "d", .floats = FLOATS};
  TRY(team_meet(team, &self));
  TRY(small_ones());
  TRY(blocks());
  if (argc > 3 && rank == atoi(argv[3]) && strcmp(argv[2], "die") == 0) kill(getpid(), SIGKILL);
  if (argc > 3 && rank == atoi(argv[3]) && strcmp(argv[2], "fail") == 0)
    return team_pass(team, status_set(FAILED, "the disk is full"));
  TRY(commands());
  return blocks();
}

int main(int argc, char **argv) {
  int wanted = argc > 1 ? atoi(argv[1]) : 1;
  Status status = team_open(&team, wanted, false, false, 30);
  if (status != OK) {
    printf("%s\n", status_message());
    fflush(stdout);
    _exit(status);
  }
  rank = team_rank(team), ranks = team_ranks(team);
  status = work(argc, argv);
  if (status != OK) printf("rank %d: %s\n", rank, status_message());
  bool finalize = team_close(team, status == OK);
  if (!finalize) {
    fflush(stdout);
    _exit(status == OK ? 9 : status);
  }
  world_finalize(10, status);
  if (!rank) puts("finalized");
  return status;
}
