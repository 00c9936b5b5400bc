/* Nonblocking messages over MPI_COMM_WORLD, and over a communicator for each process that came in by the door. */
#include "proto/channel.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/profile.h"
#include "proto/door.h"
#include "proto/world.h"

/* Progress time gains at most this much from one call to the next. */
static const double clock_step_s = 0.05;
/* A message is mostly followed by another one, or by what the peer says to it. */
enum { JOINED_MAX = 1024 }; /* actors that come in by the door, in the life of a learner */
static const double wait_s = 200e-6, eager_s = 500e-6;

typedef struct Outgoing {
  struct Outgoing *next;
  MessageType type;
  unsigned char *bytes; /* owned, or part of `memory` */
  Shared *memory;       /* held, or NULL */
  size_t size;
} Outgoing;

typedef struct Peer {
  MPI_Comm comm;
  int at;                 /* its rank there */
  Outgoing *first, *last; /* the queue; while `sending`, `first` belongs to MPI */
  int unsent;
  bool sending, receiving, muted, overdue;
  MPI_Request send, receive;
  Incoming incoming;    /* being received */
  double receive_began; /* progress time */
  ChannelFault fault;   /* not yet told */
  char reason[REASON_TEXT];
} Peer;

struct Channel {
  Direction receives;
  double receive_s;
  int rank;                 /* in this mpirun */
  int first, end, capacity; /* peers: ranks of this mpirun, then those that came in by the door */
  Peer *peer;               /* [capacity] */
  bool lets_in;             /* by a door */
  int cursor;
  double clock, seen; /* progress time; wall time of the last call */
  double moved;       /* wall time when something last began or ended */
  ChannelPlace *place;
  void *place_context;
  char reason[REASON_TEXT];
};

static void peer_init(Peer *peer, MPI_Comm comm, int at) { *peer = (Peer){.comm = comm, .at = at}; }

static Status door_of(Channel *c, const ChannelOptions *options) {
  MPI_Comm learner;
  if (c->receives == TO_LEARNER) return door_open(options->door);
  TRY(door_enter(options->door, options->start_s, &learner));
  peer_init(&c->peer[0], learner, 0);
  return OK;
}

Status channel_open(Channel **channel, const ChannelOptions *options) {
  bool learns = options->receives == TO_LEARNER, lets_in = learns && options->door;
  TRY(world_start(learns ? ROLE_LEARNER : ROLE_ACTOR, lets_in, options->start_s));
  Channel *c = xcalloc(1, sizeof *c);
  *c = (Channel){.receives = options->receives,
                 .receive_s = options->receive_s,
                 .rank = world_rank(),
                 .lets_in = lets_in,
                 .seen = clock_seconds()};
  int world = world_size();
  c->first = learns ? options->learners : 0;
  c->end = learns ? world : 1;
  c->capacity = world + (lets_in ? JOINED_MAX : 0);
  c->cursor = c->first;
  c->peer = xcalloc((size_t)c->capacity, sizeof *c->peer);
  for (int p = 0; p < world; p++) peer_init(&c->peer[p], MPI_COMM_WORLD, p);
  *channel = c;
  if (learns || !options->door) TRY(world_layout(options->learners, true));
  return options->door ? door_of(c, options) : OK;
}

int channel_rank(const Channel *channel) { return channel->rank; }
int channel_size(const Channel *channel) { return channel->end; }
int channel_capacity(const Channel *channel) { return channel->capacity; }
double channel_clock(const Channel *channel) { return channel->clock; }

void channel_place(Channel *channel, ChannelPlace *place, void *context) {
  channel->place = place;
  channel->place_context = context;
}

void incoming_free(Incoming *incoming) {
  if (!incoming->placed) free(incoming->bytes);
  incoming->bytes = NULL;
}

static void fault_set(Peer *peer, ChannelFault fault, const char *reason) {
  if (peer->fault) return;
  peer->fault = fault;
  snprintf(peer->reason, sizeof peer->reason, "%s", reason);
}

/* True when the MPI call worked; else the peer is broken. */
static bool worked(Peer *peer, int code, const char *call) {
  if (code == MPI_SUCCESS) return true;
  char text[MPI_MAX_ERROR_STRING] = "", reason[REASON_TEXT];
  int length = 0;
  MPI_Error_string(code, text, &length);
  snprintf(reason, sizeof reason, "%s: %.200s", call, text);
  fault_set(peer, FAULT_BROKEN, reason);
  return false;
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void outgoing_free(Outgoing *out) {
  if (out->memory) shared_drop(out->memory);
  else free(out->bytes);
  free(out);
}

static void outgoing_pop(Peer *peer) {
  Outgoing *done = peer->first;
  peer->first = done->next;
  if (!peer->first) peer->last = NULL;
  peer->unsent--;
  outgoing_free(done);
}

void channel_drop_queue(Channel *channel, int rank) {
  Peer *peer = &channel->peer[rank];
  Outgoing **tail = peer->sending ? &peer->first->next : &peer->first;
  for (Outgoing *next; *tail; *tail = next) {
    next = (*tail)->next;
    outgoing_free(*tail);
  }
  peer->last = peer->sending ? peer->first : NULL;
  peer->unsent = peer->sending ? 1 : 0;
}

static void outgoing_add(Channel *channel, int rank, Outgoing message) {
  Peer *peer = &channel->peer[rank];
  CHECK(rank >= channel->first && rank < channel->end && message.size <= MESSAGE_BYTES_MAX);
  Outgoing *out = xmalloc(sizeof *out);
  *out = message;
  if (peer->last) peer->last->next = out;
  else peer->first = out;
  peer->last = out;
  peer->unsent++;
}

void channel_send(Channel *channel, int rank, MessageType type, unsigned char *bytes, size_t size) {
  outgoing_add(channel, rank, (Outgoing){.type = type, .bytes = bytes, .size = size});
}

void channel_send_shared(Channel *channel, int rank, MessageType type, Shared *memory, const unsigned char *bytes,
                         size_t size) {
  Outgoing message = {
      .type = type, .bytes = (unsigned char *)(uintptr_t)bytes, .memory = shared_hold(memory), .size = size};
  outgoing_add(channel, rank, message);
}

int channel_unsent(const Channel *channel, int rank) { return channel->peer[rank].unsent; }

/* Finishes the outstanding send and starts the next one. */
static void step_send(Channel *channel, Peer *peer) {
  if (peer->sending) {
    int done = 0;
    if (!worked(peer, MPI_Test(&peer->send, &done, MPI_STATUS_IGNORE), "MPI_Test of a send")) done = 1;
    if (!done) return;
    peer->sending = false;
    channel->moved = channel->seen;
    outgoing_pop(peer);
  }
  if (!peer->first) return;
  /* without a probe between sends, Open MPI 4.1 spins for ever in MPI_Test after eager sends to a dead TCP peer */
  int there;
  MPI_Iprobe(peer->at, MPI_ANY_TAG, peer->comm, &there, MPI_STATUS_IGNORE);
  Outgoing *out = peer->first;
  if (!worked(peer, MPI_Isend(out->bytes, (int)out->size, MPI_BYTE, peer->at, (int)out->type, peer->comm, &peer->send),
              "MPI_Isend")) {
    outgoing_pop(peer);
    return;
  }
  peer->sending = true;
}

/* --- receiving ---------------------------------------------------------------------------------------------------- */

/* May this be received? Else says why not. */
static bool acceptable(const Channel *channel, int tag, int size, char reason[REASON_TEXT]) {
  const MessageRow *row = message_row(tag);
  if (!row || !(row->directions & (unsigned)channel->receives))
    snprintf(reason, REASON_TEXT, "message with tag %d (%s), which is not for us", tag, row ? row->name : "unknown");
  else if (size < 0 || (size_t)size < row->min_bytes || (size_t)size > row->max_bytes)
    snprintf(reason, REASON_TEXT, "message %s of %d bytes; expected %zu to %zu", row->name, size, row->min_bytes,
             row->max_bytes);
  else return true;
  return false;
}

static void incoming_place(Channel *channel, Peer *peer) {
  Incoming *incoming = &peer->incoming;
  const MessageRow *row = message_row((int)incoming->type);
  if (row && row->raw && channel->place && !peer->muted)
    incoming->bytes = channel->place(channel->place_context, incoming->size);
  incoming->placed = incoming->bytes != NULL;
  if (!incoming->placed) incoming->bytes = xmalloc(incoming->size);
}

/* Starts the next receive from this peer, if a message is there. */
static void start_receive(Channel *channel, Peer *peer, int rank) {
  int there = 0, size = 0;
  MPI_Status status;
  if (!worked(peer, MPI_Iprobe(peer->at, MPI_ANY_TAG, peer->comm, &there, &status), "MPI_Iprobe") || !there) return;
  MPI_Get_count(&status, MPI_BYTE, &size);
  char reason[REASON_TEXT];
  if (peer->muted) {
    if (size < 0 || size > MESSAGE_BYTES_MAX) return; /* stays where it is */
  } else if (!acceptable(channel, status.MPI_TAG, size, reason)) {
    fault_set(peer, FAULT_MALFORMED, reason);
    return;
  }
  peer->incoming = (Incoming){.peer = rank, .type = (MessageType)status.MPI_TAG, .size = (size_t)size};
  incoming_place(channel, peer);
  if (!worked(peer,
              MPI_Irecv(peer->incoming.bytes, size, MPI_BYTE, peer->at, status.MPI_TAG, peer->comm, &peer->receive),
              "MPI_Irecv")) {
    incoming_free(&peer->incoming);
    return;
  }
  peer->receiving = true;
  channel->moved = channel->seen;
  peer->overdue = false;
  peer->receive_began = channel->clock;
}

/* True when peer->incoming is whole and not muted: the caller takes its bytes. */
static bool step_receive(Channel *channel, Peer *peer, int rank, bool look) {
  if (!peer->receiving && (look || peer->comm != MPI_COMM_WORLD)) start_receive(channel, peer, rank);
  if (!peer->receiving) return false;
  int done = 0;
  if (!worked(peer, MPI_Test(&peer->receive, &done, MPI_STATUS_IGNORE), "MPI_Test of a receive")) {
    peer->receiving = false;
    incoming_free(&peer->incoming);
    return false;
  }
  if (!done) { /* never cancelled: if the sender died in mid-message, the buffer stays with MPI */
    if (!peer->overdue && channel->clock - peer->receive_began > channel->receive_s) {
      peer->overdue = true;
      char reason[REASON_TEXT];
      snprintf(reason, sizeof reason, "a message that began to arrive did not end within %.0f s", channel->receive_s);
      fault_set(peer, FAULT_BROKEN, reason);
    }
    return false;
  }
  peer->receiving = false;
  channel->moved = channel->seen;
  if (!peer->muted) return true;
  incoming_free(&peer->incoming);
  return false;
}

/* False: nobody of this mpirun has a message for us, says MPI at once for all peers. */
static bool anything(const Channel *channel) {
  int there = 0;
  if (channel->end - channel->first == 1) return true; /* asked below */
  return MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE) != MPI_SUCCESS || there;
}

void channel_wait(const Channel *channel) {
  if (channel->seen - channel->moved < eager_s) sched_yield();
  else clock_sleep(wait_s);
}

/* Who came in by the door is the next peer. */
static void let_in(Channel *channel) {
  if (!channel->lets_in || channel->end == channel->capacity) return;
  MPI_Comm comm = door_next();
  if (comm != MPI_COMM_NULL) peer_init(&channel->peer[channel->end++], comm, 0);
}

bool channel_receive(Channel *channel, Incoming *incoming) {
  double now = clock_seconds(), passed = now - channel->seen;
  channel->clock += passed < clock_step_s ? passed : clock_step_s;
  channel->seen = now;
  let_in(channel);
  bool look = anything(channel);
  for (int n = channel->first; n < channel->end; n++) {
    int rank = channel->cursor;
    channel->cursor = rank + 1 < channel->end ? rank + 1 : channel->first;
    Peer *peer = &channel->peer[rank];
    if (peer->first) {
      ProfileBegin began = profile_begin();
      step_send(channel, peer);
      profile_end(PROFILE_SEND, began, 0);
    }
    ProfileBegin began = profile_begin();
    bool under_way = peer->receiving, whole = step_receive(channel, peer, rank, look);
    if (under_way || whole || peer->receiving) profile_end(PROFILE_RECEIVE, began, 0);
    if (!whole) continue;
    *incoming = peer->incoming;
    return true;
  }
  return false;
}

ChannelFault channel_fault(Channel *channel, int *rank, const char **reason) {
  for (int p = channel->first; p < channel->end; p++) {
    Peer *peer = &channel->peer[p];
    if (!peer->fault) continue;
    ChannelFault fault = peer->fault;
    peer->fault = FAULT_NONE;
    memcpy(channel->reason, peer->reason, sizeof channel->reason);
    *rank = p;
    *reason = channel->reason;
    return fault;
  }
  return FAULT_NONE;
}

void channel_mute(Channel *channel, int rank, bool muted) { channel->peer[rank].muted = muted; }

/* --- the end ------------------------------------------------------------------------------------------------------ */

bool channel_busy(const Channel *channel) {
  for (int p = channel->first; p < channel->end; p++)
    if (channel->peer[p].sending || channel->peer[p].receiving) return true;
  return false;
}

bool channel_shut(Channel *channel) { return !channel->lets_in || door_shut(); }

bool channel_close(Channel *channel, bool finalize, double limit_s, int exit_code) {
  if (!channel) return false;
  if (!channel_shut(channel)) finalize = false;
  bool outstanding = channel_busy(channel);
  if (outstanding) finalize = false;
  for (int p = channel->first; p < channel->end; p++) channel_drop_queue(channel, p);
  /* what MPI still has stays allocated: the process is about to end */
  if (!outstanding) {
    free(channel->peer);
    free(channel);
  }
  if (finalize) world_finalize(limit_s, exit_code);
  return finalize;
}
