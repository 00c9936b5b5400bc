/* Placement: how many actors and learner's threads, and on which of the job's nodes, so that each has a core. */
#ifndef TROUPE_TOOL_PLACEMENT_H
#define TROUPE_TOOL_PLACEMENT_H

#include <stdbool.h>

/* Ranks on a node beside its cores. */
typedef struct Place {
  char *node; /* owned; NULL: this one */
  int cores, learners, actors;
} Place;

typedef struct Placement {
  Place *place; /* owned */
  int nodes, actors, learner_threads;
  bool crowded; /* on some node more threads than cores */
} Placement;

typedef struct PlacementWish {
  int learners;
  int learner_threads; /* 0: as many as fit */
  int actors;          /* -1: as many as fit */
  bool overlapped;     /* actors work while the learner does; else they sleep, and it may have their cores */
} PlacementWish;

/* The nodes of this Slurm job with the cores that it has there, or this machine alone; nobody placed yet. */
void placement_nodes(Placement *placement);

/* Learners are dealt to the first nodes. Actors fill the nodes from the last to the first, one a core; the learner's nodes
 * keep a core for each of its threads, or, with actors of other nodes to work for them, all. Actors above that take what
 * cores there are, and then are dealt evenly. */
void placement_fill(Placement *placement, const PlacementWish *wish);

/* All ranks in one nameless place: the launcher decides where they run. */
void placement_gather(Placement *placement);

void placement_free(Placement *placement); /* idempotent */

/* Reads Slurm's "4(x2),8" into counts: 4, 4, 8. Returns how many, at most `max`; 0 when it is something else. */
int placement_counts(const char *text, int *counts, int max);

#endif
