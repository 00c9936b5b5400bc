/* Hub: the learner's side of the protocol. Knows the actors, keeps the published snapshots, decides what each actor is
 * sent next (PROTOCOL.md, "Snapshots"), counts liveness in the learner's own progress time. Main thread only; nothing
 * here waits without a limit. */
#ifndef TROUPE_PROTO_HUB_H
#define TROUPE_PROTO_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"
#include "proto/answer.h"
#include "proto/courier.h"
#include "proto/messages.h"
#include "proto/team.h"

typedef struct Hub Hub;

/* A zero takes the default. */
typedef struct HubOptions {
  Team *team;                             /* the learner's ranks, this being the lead; hub_close closes it. NULL: one */
  const char *config_hash, *dataset_hash; /* "" accepts only "" */
  size_t floats;                          /* weights in a block */
  AnswerBounds answers;                   /* of the results */
  int lag;                                /* versions that stay in use beside the newest */
  const char *kernel;                     /* BLAS kernel of the learner */
  bool distant;                           /* weights go by messages to this machine's actors too */
  const char *door;                       /* folder by whose door actors join while it runs (proto/door.h); NULL */
  const char *refuse;                     /* refuse every actor for this reason: the learner cannot work; else NULL */
  double heartbeat_s;                     /* 1 */
  double silence_s;                       /* of an actor: 10 heartbeats, at least 5 s */
  double learner_silence_s;               /* told to actors: 300 */
  double join_s;                          /* 30 */
  double goodbye_s;                       /* 10 */
} HubOptions;

/* Starts MPI and waits for HELLOs until all ranks have come or join_s is over. Errors: BAD_INPUT the ranks stand otherwise
 * (world_layout), or every actor refused; FAILED nobody came. Then call hub_close all the same when *hub is not NULL. */
Status hub_open(Hub **hub, const HubOptions *options);

/* Registers version `version` (rising by kind) and starts sending it to all actors, also to those that join later. Holds
 * the block, which must not change any more, as one of the lag + 1 newest of its kind; makes progress meanwhile. */
void hub_publish(Hub *hub, SnapshotKind kind, int64_t version, Shared *weights);
/* The policy of that version (still kept, not yet a reference) becomes reference `reference_version`, without being
 * sent again. */
void hub_adopt_reference(Hub *hub, int64_t policy_version, int64_t reference_version);

/* The live actor with the fewest assignments out, if fewer than `depth` (2 hides the round trip), else -1. */
int hub_ready(const Hub *hub, int depth);
/* Queues work for a live actor. Its versions are published and kept. Copies. */
void hub_assign(Hub *hub, int actor, const Assignment *assignment);

typedef enum EventKind { EVENT_NONE, EVENT_JOINED, EVENT_LOST, EVENT_RESULT } EventKind;

typedef struct Event {
  EventKind kind;
  int actor;                /* its rank */
  char reason[REASON_TEXT]; /* JOINED: host and pid; LOST: why */
  Result result;            /* RESULT: owned by whoever polled; checked against the assignment and the vocabulary */
} Event;

/* Progress only: receives, sends, heartbeats; events wait for hub_poll. Cheap: call it every 10 ms at least, between
 * matrix products of an update too. */
void hub_pump(Hub *hub);
/* hub_pump, then the oldest event. True when there is one. */
bool hub_poll(Hub *hub, Event *event);
/* 200 us of sleep (just after something moved, a yield), counted as idle. */
void hub_idle(Hub *hub);

/* Seconds in which the learner made progress (PROTOCOL.md, "Failure rules"): the clock for late chunks. */
double hub_clock(const Hub *hub);
int hub_live(const Hub *hub); /* live actors */
int hub_lost(
    const Hub *hub); /* actors lost or barred and not back; of those that started with the learner, gone ones too */
int hub_actors(const Hub *hub); /* ranks that are actors, and those that came in by the door */

typedef struct HubCounters {
  double idle_s;           /* slept in hub_idle */
  uint64_t snapshot_bytes; /* sent or written in pieces, to each machine of actors */
  double snapshot_s;       /* of wall time with a snapshot transfer under way */
  uint64_t result_bytes, results;
} HubCounters;
HubCounters hub_counters(const Hub *hub);

/* STOP to all, waits for GOODBYEs with a limit, closes the team, frees. True: MPI is finalized, return from main. False:
 * somebody died; fflush(NULL) and _exit(exit_code). NULL is fine (false). */
bool hub_close(Hub *hub, const char *reason, int exit_code);

#endif
