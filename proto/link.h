/* Link: an actor's side of the protocol. Brings snapshots to the actor's store through a LinkSink, hands out
 * assignments once their blocks are complete, sends results and heartbeats, notices that the learner stopped or is
 * gone. Main thread only. */
#ifndef TROUPE_PROTO_LINK_H
#define TROUPE_PROTO_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"
#include "proto/messages.h"

/* Where snapshots go (actor/snapshot.h has one). A Status other than OK ends the actor; BAD_INPUT: a fault of the learner. */
typedef struct LinkSink {
  void *store;
  void (*renew)(void *store, SegmentName *name); /* before each HELLO: forget everything, take memory of one's own */
  bool (*share)(void *store, const SegmentName *name, int slots); /* the WELCOME's memory; false: cannot */
  Status (*begin)(void *store, const SnapshotBegin *begin);
  unsigned char *(*place)(void *store, size_t size); /* where the next piece goes; NULL: none of that size is due */
  Status (*placed)(void *store);                     /* it is there */
  Status (*end)(void *store, const SnapshotEnd *end);
  Status (*ready)(void *store, int policy_slot, int reference_slot); /* before the work that needs them is handed out */
} LinkSink;

/* A zero takes the default. */
typedef struct LinkOptions {
  const char *config_hash, *dataset_hash, *kernel;
  size_t floats;
  int learners;  /* ranks before the actors; 0 = not known */
  double join_s; /* wait for WELCOME: 120 */
  const char
      *door; /* folder by whose door it joins a learner that runs (proto/door.h); NULL: it starts with its learner */
  LinkSink sink;
} LinkOptions;

typedef struct Link Link;

/* Starts MPI, says HELLO, waits for WELCOME. Errors: BAD_INPUT the ranks stand otherwise, or the learner refused; FAILED no
 * answer. Then call link_close all the same when *link is not NULL. */
Status link_open(Link **link, const LinkOptions *options);
int link_rank(const Link *link); /* its number, the learner says */
/* From a signal handler, too: the next link_poll or link_next says LINK_STOP. */
void link_leave(Link *link);

typedef enum LinkState {
  LINK_WORK,    /* link_next: an assignment. link_poll: go on */
  LINK_STOP,    /* the learner said STOP */
  LINK_LOST,    /* the learner is gone, or broke the protocol: status_message() says how */
  LINK_DROPPED, /* link_poll only: the work in hand is not wanted any more (a new epoch); give it up */
} LinkState;

/* Progress without waiting: call every LINK_POLL_S or so, between decode steps. Anything but LINK_WORK: give up the chunk
 * in hand. */
#define LINK_POLL_S 0.002
LinkState link_poll(Link *link);

/* Waits for the next assignment, whose slots are ready. Never LINK_DROPPED. The actor has no chunk in hand when
 * it calls this. */
LinkState link_next(Link *link, Assignment *assignment);

/* Whether link_next would find work. */
bool link_has_work(const Link *link);

/* Seconds waited in link_next since the last call: for Result.seconds[SECONDS_IDLE]. */
double link_idle_seconds(Link *link);

/* Queues the result of an assignment (copies). Dropped when the epoch of the assignment is over. Errors: BAD_INPUT too
 * large (config). */
Status link_send_result(Link *link, const Result *result);

/* Says GOODBYE, sends what is queued with a limit, frees. True: MPI is finalized, return from main. False:
 * fflush(NULL) and _exit(exit_code). NULL is fine (false). */
bool link_close(Link *link, const char *reason, int exit_code);

#endif
