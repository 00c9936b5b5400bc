/* Profile: totals by event, and their tables. */
#include "common/base/profile.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/trace.h"

static const char *const names[PROFILE_EVENTS] = {"decode",    "reference", "reward",  "forward", "backward",
                                                  "optimizer", "send",      "receive", "idle",    "checkpoint"};

static ProfileTotals own;
static double enabled_at, attributed_s; /* attributed to some event so far */
static int enabled;

typedef struct Heard {
  int rank;
  ProfileTotals totals;
} Heard;
typedef struct Group {
  const char *name;
  Heard *heard;
  int count;
} Group;
static Group groups[PROFILE_GROUPS] = {{.name = "learners"}, {.name = "actors"}};

void profile_enable(int on) {
  enabled = on;
  own = (ProfileTotals){0};
  attributed_s = 0;
  enabled_at = clock_seconds();
}

int profile_enabled(void) { return enabled; }

ProfileBegin profile_begin(void) { return enabled ? (ProfileBegin){clock_seconds(), attributed_s} : (ProfileBegin){0}; }

void profile_end(ProfileEvent event, ProfileBegin began, double flops) {
  if (!enabled) return;
  double now = clock_seconds();
  double seconds = now - began.at_s - (attributed_s - began.attributed_s); /* less what ended within it */
  trace_add(began.at_s, now, "%s", names[event]);
  attributed_s += seconds;
  own.event[event].calls++;
  own.event[event].seconds += seconds;
  own.event[event].flops += flops;
}

void profile_totals(ProfileTotals *totals) {
  own.wall_s = clock_seconds() - enabled_at;
  *totals = own;
}

void profile_hear(ProfileGroup group, int rank, const ProfileTotals *totals) {
  Group *g = &groups[group];
  int at = 0;
  while (at < g->count && g->heard[at].rank != rank) at++;
  if (at == g->count) g->heard = xrealloc(g->heard, (size_t)++g->count * sizeof *g->heard);
  g->heard[at] = (Heard){rank, *totals};
}

void profile_free(void) {
  for (int g = 0; g < PROFILE_GROUPS; g++) {
    free(groups[g].heard);
    groups[g].heard = NULL, groups[g].count = 0;
  }
}

/* --- tables -------------------------------------------------------------------------------------------------- */

static void row_print(const char *name, double calls, double seconds, double wall_s, double flops) {
  fprintf(stderr, "%s: %-12s ", log_role(), name);
  if (calls > 0) fprintf(stderr, "%10.0f", calls);
  else fprintf(stderr, "%10s", "");
  fprintf(stderr, " %10.3f %6.1f%%", seconds, wall_s > 0 ? 100 * seconds / wall_s : 0);
  if (flops > 0 && seconds > 0) fprintf(stderr, " %9.1f", 1e-9 * flops / seconds);
  else fprintf(stderr, " %9s", "");
}

/* `group` NULL: of one rank. */
static void table_print(const ProfileTotals *t, const Group *group) {
  double rest = t->wall_s, ranks = group ? group->count : 1;
  for (int e = 0; e < PROFILE_EVENTS; e++) {
    rest -= t->event[e].seconds;
    if (!(t->event[e].calls > 0)) continue;
    row_print(names[e], t->event[e].calls, t->event[e].seconds / ranks, t->wall_s / ranks, t->event[e].flops / ranks);
    if (group) {
      const Heard *slow = group->heard, *fast = slow;
      for (const Heard *h = group->heard; h < group->heard + group->count; h++) {
        if (h->totals.event[e].seconds > slow->totals.event[e].seconds) slow = h;
        if (h->totals.event[e].seconds < fast->totals.event[e].seconds) fast = h;
      }
      fprintf(stderr, "  %10.3f (%d) %10.3f (%d)", slow->totals.event[e].seconds, slow->rank,
              fast->totals.event[e].seconds, fast->rank);
    }
    fputc('\n', stderr);
  }
  row_print("other", 0, rest / ranks, t->wall_s / ranks, 0);
  fputc('\n', stderr);
}

static void group_print(const Group *group) {
  ProfileTotals sum = {0};
  for (const Heard *h = group->heard; h < group->heard + group->count; h++) {
    sum.wall_s += h->totals.wall_s;
    for (int e = 0; e < PROFILE_EVENTS; e++) {
      sum.event[e].calls += h->totals.event[e].calls;
      sum.event[e].seconds += h->totals.event[e].seconds;
      sum.event[e].flops += h->totals.event[e].flops;
    }
  }
  fprintf(stderr, "%s: %-12s %10s %10s %7s %9s  %s\n", log_role(), group->name, "calls", "seconds", "share", "GFLOP/s",
          "slowest (rank)  fastest (rank); all calls, mean seconds");
  table_print(&sum, group);
}

void profile_print(void) {
  ProfileTotals totals;
  profile_totals(&totals);
  fprintf(stderr, "%s: %-12s %10s %10s %7s %9s\n", log_role(), "event", "calls", "seconds", "share", "GFLOP/s");
  table_print(&own, NULL);
  for (int g = 0; g < PROFILE_GROUPS; g++)
    if (groups[g].count) group_print(&groups[g]);
}
