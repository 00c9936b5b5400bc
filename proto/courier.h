/* Courier: decides what an actor is sent next. The actors of a machine share a depot: slots of memory, each of which can hold
 * a block of the shelf. On the learner's machine the learner fills them itself; elsewhere blocks are sent to one actor at a
 * time, the filler. Rules: PROTOCOL.md, "Snapshots". No MPI: courier_next is called whenever nothing is on its way to the actor. */
#ifndef TROUPE_PROTO_COURIER_H
#define TROUPE_PROTO_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/messages.h"
#include "proto/shelf.h"

enum { WORKS_MAX = 8 };

typedef struct CourierWork {
  Assignment assignment; /* its slots are set when it is sent */
  bool sent;
} CourierWork;

typedef struct Depot Depot;

typedef struct Courier {
  Depot *depot;         /* NULL: at none */
  struct Courier *next; /* of the same depot */
  bool settled;         /* known to have the depot's memory, so that it may fill */
  int works;
  CourierWork work[WORKS_MAX]; /* in the order given; unreturned */
} Courier;

/* Blocks of a depot so that those on the shelf always find room, and two more that late work still uses. */
static inline int depot_slots(int lag) { return 2 * lag + 4; }

/* Without work to a new depot, or to the one that `at` is at. courier_leave it. */
void courier_join_new(Courier *courier, int slots);
void courier_join(Courier *courier, const Courier *at);
/* This process is on the machine of that memory, of slots for blocks of so many bytes, and fills the depot from now on. False:
 * it cannot have it. */
bool courier_reach(Courier *courier, const SegmentName *name, size_t block_bytes);
/* Its work is forgotten. If it is in the middle of filling, nobody knows what it may still write: then the depot is lost. No-op
 * when at none. */
void courier_leave(Courier *courier);
/* Others may join it: it has the memory, and the depot is not lost. */
bool courier_hosts(const Courier *courier);

void courier_assign(Courier *courier, const Assignment *assignment); /* CHECKs works < WORKS_MAX */
/* The sent work that a result answers, or NULL. */
const Assignment *courier_find(const Courier *courier, Work work, int64_t iteration, int32_t chunk);
void courier_returned(Courier *courier, const Assignment *assignment); /* one that courier_find gave */
/* The actor has the whole block in that slot. False: it was sent none. */
bool courier_taken(Courier *courier, uint32_t slot);
/* Some block is on its way to it, or to all of its machine. */
bool courier_filling(const Courier *courier);
/* Goes on filling a depot that is within reach: at most a piece of a block, whose bytes are returned; 0: nothing to do. */
size_t courier_fill(Courier *courier, const Shelf *shelf);

/* The next message, with `type` and body filled (a piece borrows from the shelf). False: nothing to send now. What it
 * gives counts as sent, and must arrive in order. REJOIN: its depot is lost, or its work is out of date and in the way. */
bool courier_next(Courier *courier, Shelf *shelf, Message *message);

#endif
