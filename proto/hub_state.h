/* What hub.c and hub_hear.c share: the learner's actors and what it knows of each. */
#ifndef TROUPE_PROTO_HUB_STATE_H
#define TROUPE_PROTO_HUB_STATE_H

#include "proto/channel.h"
#include "proto/hub.h"

typedef enum ActorState { ACTOR_ABSENT, ACTOR_LIVE, ACTOR_LOST, ACTOR_BARRED, ACTOR_LEFT } ActorState;

typedef struct Actor {
  ActorState state;
  uint32_t epoch;
  bool announced;   /* its JOINED was polled: it may be given work */
  bool rejoin_said; /* since it was lost */
  double heard;     /* progress time */
  double told;      /* wall time of the last message to it */
  ProcessName process;
  SegmentName segment; /* the memory it shares, as it has it */
  Courier courier;
} Actor;

typedef struct QueuedEvent {
  struct QueuedEvent *next;
  Event event;
} QueuedEvent;

struct Hub {
  HubOptions options;
  char config_hash[HASH_TEXT], dataset_hash[HASH_TEXT], kernel[KERNEL_TEXT];
  Channel *channel;
  int learners, ranks; /* the actors' ranks: learners .. ranks - 1; it rises as they come in by the door */
  int started;         /* ranks of this mpirun, the learner's among them */
  Actor *actor;        /* [channel_capacity]; the learner's are unused */
  Shelf shelf;
  QueuedEvent *first, **last;
  ProcessName process;
  double checked; /* wall time of the last look at processes */
  bool closing;
  int refused;
  char refusal[REASON_TEXT];
  uint32_t beats;
  bool kernel_warned;
  HubCounters counters;
  double transfer_seen; /* wall time of the last pump with a transfer under way, 0 = none */
};

/* Queues a message for an actor, in its epoch. */
void hub_send(Hub *hub, int rank, Message *message);
/* STOP, because "<why><reason>". */
void hub_say_stop(Hub *hub, int rank, bool finalize, const char *why, const char *reason);
/* Tells a lost actor that it is, once. */
void hub_say_rejoin(Hub *hub, int rank);

/* It is not live any more, but in `state`: its work goes to others. */
void hub_lose(Hub *hub, int rank, ActorState state, const char *reason);
/* A peer that breaks the protocol is told to stop and never listened to again. */
void hub_bar(Hub *hub, int rank, const char *reason);

/* One message of an actor. */
void hub_hear(Hub *hub, const Incoming *incoming);

#endif
