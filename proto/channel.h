/* Channel: whole messages between this rank and its peers over nonblocking point-to-point MPI. At most one send and one
 * receive are outstanding for each peer; sizes and tags are checked against the message table before a byte is allocated;
 * an MPI error or a receive out of time is a fault of that peer, never of the program. */
#ifndef TROUPE_PROTO_CHANNEL_H
#define TROUPE_PROTO_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"
#include "proto/messages.h"
#include "proto/shared.h"

typedef struct Channel Channel;

typedef struct ChannelOptions {
  Direction receives; /* of what this rank receives */
  int learners;       /* ranks 0 .. learners - 1 are the learner's (for an actor 0: it does not know) */
  double start_s;     /* world_start, door_enter */
  double receive_s;   /* limit of one receive */
  const char
      *door; /* folder (proto/door.h): through its door actors join the learner; an actor joins through it; NULL */
} ChannelOptions;

/* Starts MPI (a process whose peers have not all come after start_s ends itself). The peers of rank 0 are the actors, an
 * actor's only peer is rank 0. Errors: BAD_INPUT the ranks stand otherwise; FAILED no door. *channel may be there all the same. */
Status channel_open(Channel **channel, const ChannelOptions *options);

int channel_rank(const Channel *channel);     /* in its own mpirun */
int channel_size(const Channel *channel);     /* one above the last peer; rises as actors come in by the door */
int channel_capacity(const Channel *channel); /* what it rises to at most */
/* Progress time: wall time, but at most 50 ms from one channel_receive to the next. */
double channel_clock(const Channel *channel);

/* Queues a message; takes `bytes`. */
void channel_send(Channel *channel, int peer, MessageType type, unsigned char *bytes, size_t size);
/* Queues a part of shared memory, which it holds until it is sent; for ever, if that peer does not take it. */
void channel_send_shared(Channel *channel, int peer, MessageType type, Shared *memory, const unsigned char *bytes,
                         size_t size);
/* Messages queued or being sent. */
int channel_unsent(const Channel *channel, int peer);

/* Where the next raw message, of `size` bytes, is to be received; NULL: where it is thrown away. */
typedef unsigned char *ChannelPlace(void *context, size_t size);
void channel_place(Channel *channel, ChannelPlace *place, void *context);

typedef struct Incoming {
  int peer;
  MessageType type;
  unsigned char *bytes; /* owned by the receiver (incoming_free) */
  bool placed;          /* raw and where it was to be: `bytes` is borrowed */
  size_t size;
} Incoming;
void incoming_free(Incoming *incoming);

/* Between two rounds of progress in which nothing came: 200 us of sleep, but only a yield just after something moved. */
void channel_wait(const Channel *channel);

/* Makes progress on everything; never waits. True with one whole message. */
bool channel_receive(Channel *channel, Incoming *incoming);

typedef enum ChannelFault {
  FAULT_NONE,
  FAULT_BROKEN,    /* an MPI error, or a receive out of time */
  FAULT_MALFORMED, /* a message of a size, tag or direction that cannot be; it stays unread until the peer is muted */
} ChannelFault;

/* The next fault not yet told, FAULT_NONE when there is none. `reason` is borrowed until the next call. */
ChannelFault channel_fault(Channel *channel, int *peer, const char **reason);

/* What a muted peer sends is received and thrown away where its size allows. */
void channel_mute(Channel *channel, int peer, bool muted);
/* Drops what is queued and not yet being sent. */
void channel_drop_queue(Channel *channel, int peer);

/* Nobody comes in by the door any more, if this rank has one. False: somebody did, or may have been about to, and MPI cannot be finalized. */
bool channel_shut(Channel *channel);

/* Something is being sent or received. */
bool channel_busy(const Channel *channel);

/* With finalize and nothing outstanding: world_finalize; true. Otherwise false: flush and _exit. Frees the channel either way. */
bool channel_close(Channel *channel, bool finalize, double limit_s, int exit_code);

#endif
