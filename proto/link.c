/* An actor's side: joins, takes in snapshots and work, answers, and notices when the learner is gone. */
#include "proto/link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/channel.h"
#include "proto/courier.h"

struct Link {
  char config_hash[HASH_TEXT], dataset_hash[HASH_TEXT], kernel[KERNEL_TEXT];
  size_t floats;
  LinkSink sink;
  Channel *channel;
  Welcome welcome; /* the last accepted one */
  uint32_t epoch;  /* 0 while joining */
  bool refused, finalize;
  volatile sig_atomic_t leave;
  LinkState ended; /* LINK_WORK while it goes on */
  char why[2 * REASON_TEXT];
  int works;
  Assignment work[WORKS_MAX]; /* waiting */
  Assignment current;         /* in hand */
  bool has_current, dropped;
  bool rejoin;          /* HELLO is to be said, once the dropped chunk is out of hand: its weights go with it */
  double heard;         /* progress time */
  double told, checked; /* wall time */
  double idle_s;
  uint32_t beats;
};

static const double look_s = 0.5, goodbye_s = 10, hear_s = 1e-3; /* hear_s: then it goes on computing */
enum { LEARNER = 0 };

static void end(Link *link, LinkState state, const char *why) {
  if (link->ended != LINK_WORK) return;
  link->ended = state;
  snprintf(link->why, sizeof link->why, "%s", why);
}

static void broke(Link *link, const char *what) {
  char why[REASON_TEXT + 64];
  snprintf(why, sizeof why, "the learner broke the protocol: %.*s", REASON_TEXT, what);
  end(link, LINK_LOST, why);
}

/* What the sink says. */
static void judge(Link *link, Status status) {
  if (status == BAD_INPUT) broke(link, status_message());
  else if (status != OK) end(link, LINK_LOST, status_message());
}

static void send_message(Link *link, Message *message) {
  unsigned char *bytes;
  size_t size;
  message->epoch = message->type == MESSAGE_HELLO ? 0 : link->epoch;
  Status status = message_encode(message, &bytes, &size);
  CHECK(status == OK); /* only a RESULT can be too large, and link_send_result looks first */
  channel_send(link->channel, LEARNER, message->type, bytes, size);
  link->told = clock_seconds();
}

static void say_hello(Link *link) {
  Message hello = {.type = MESSAGE_HELLO, .hello = {.floats = link->floats}};
  memcpy(hello.hello.config_hash, link->config_hash, HASH_TEXT);
  memcpy(hello.hello.dataset_hash, link->dataset_hash, HASH_TEXT);
  memcpy(hello.hello.kernel, link->kernel, KERNEL_TEXT);
  process_self(&hello.hello.process);
  link->sink.renew(link->sink.store, &hello.hello.segment);
  send_message(link, &hello);
}

static void beat(Link *link) {
  Message message = {.type = MESSAGE_HEARTBEAT, .heartbeat = {link->beats++}};
  send_message(link, &message);
}

/* --- listening ---------------------------------------------------------------------------------------------------- */

static void hear_welcome(Link *link, const Welcome *welcome) {
  if (link->epoch) return; /* not asked for */
  if (!welcome->accepted || welcome->slots == 0) {
    link->refused = true;
    end(link, LINK_LOST, welcome->reason);
    return;
  }
  if (!link->sink.share(link->sink.store, &welcome->segment, (int)welcome->slots)) {
    log_warning("the weights of this machine's actors cannot be shared (process %d): this actor has its own",
                welcome->segment.pid);
    say_hello(link);
    return;
  }
  link->welcome = *welcome;
  link->epoch = welcome->epoch;
  beat(link); /* that the memory was found */
}

static void hear_rejoin(Link *link) {
  log_warning("the learner had given this actor up; joining again");
  channel_drop_queue(link->channel, LEARNER);
  link->epoch = 0;
  link->works = 0;
  link->dropped = link->has_current;
  link->has_current = false;
  link->rejoin = true;
}

static Status hear_end(Link *link, const SnapshotEnd *end) {
  TRY(link->sink.end(link->sink.store, end));
  Message taken = {.type = MESSAGE_SNAPSHOT_TAKEN, .taken = {end->slot}};
  send_message(link, &taken);
  return OK;
}

static void hear_assignment(Link *link, const Assignment *assignment) {
  if (link->works == WORKS_MAX) {
    broke(link, "more work than an actor may hold");
    return;
  }
  link->work[link->works++] = *assignment;
}

static void hear_message(Link *link, const Message *message) {
  Status status = OK;
  if (message->type == MESSAGE_STOP) { /* of whatever epoch */
    link->finalize = message->stop.finalize;
    end(link, LINK_STOP, message->stop.reason);
    return;
  }
  if (message->type == MESSAGE_WELCOME) {
    hear_welcome(link, &message->welcome);
    return;
  }
  if (!link->epoch || message->epoch != link->epoch) return;
  switch (message->type) {
    case MESSAGE_SNAPSHOT_BEGIN: status = link->sink.begin(link->sink.store, &message->begin); break;
    case MESSAGE_SNAPSHOT_END: status = hear_end(link, &message->end); break;
    case MESSAGE_ASSIGN: hear_assignment(link, &message->assignment); break;
    case MESSAGE_REJOIN: hear_rejoin(link); break;
    default: break; /* HEARTBEAT: it was heard */
  }
  judge(link, status);
}

/* A piece of a snapshot. One of an earlier epoch may come until WELCOME does. */
static void hear_raw(Link *link, const Incoming *incoming) {
  if (!incoming->placed && link->epoch) broke(link, "a piece of a snapshot that is not due");
  else if (incoming->placed) judge(link, link->sink.placed(link->sink.store));
}

static unsigned char *place(void *data, size_t size) {
  Link *link = data;
  return link->epoch ? link->sink.place(link->sink.store, size) : NULL;
}

static void hear(Link *link) {
  Incoming incoming;
  double limit = clock_seconds() + hear_s;
  while (channel_receive(link->channel, &incoming)) {
    Message message;
    link->heard = channel_clock(link->channel);
    if (incoming.type == MESSAGE_SNAPSHOT_PIECE) {
      hear_raw(link, &incoming);
    } else if (message_decode(incoming.bytes, incoming.size, TO_ACTOR, &message) != OK) {
      broke(link, status_message());
    } else {
      if (message.type == incoming.type) hear_message(link, &message);
      else broke(link, "a message whose type is not its tag");
      message_free(&message);
    }
    incoming_free(&incoming);
    if (clock_seconds() > limit) break;
  }
}

/* Is the learner still there? */
static void look(Link *link, double now) {
  int rank;
  const char *reason;
  if (channel_fault(link->channel, &rank, &reason) != FAULT_NONE) end(link, LINK_LOST, reason);
  if (now - link->checked < look_s) return;
  link->checked = now;
  double limit = link->welcome.silence_s > 0 ? link->welcome.silence_s : 300;
  if (process_gone(&link->welcome.process)) {
    hear(link); /* it may have said STOP before it ended */
    end(link, LINK_LOST, "the learner's process has ended");
  } else if (channel_clock(link->channel) - link->heard > limit) {
    char why[64];
    snprintf(why, sizeof why, "the learner has been silent for %.0f s", limit);
    end(link, LINK_LOST, why);
  }
}

static void pump(Link *link) {
  hear(link);
  if (link->leave) end(link, LINK_STOP, "told to leave");
  if (link->rejoin && !link->dropped && link->ended == LINK_WORK) {
    link->rejoin = false;
    say_hello(link);
  }
  double now = clock_seconds();
  look(link, now);
  if (link->epoch && link->ended == LINK_WORK && now - link->told > link->welcome.heartbeat_s &&
      !channel_unsent(link->channel, LEARNER)) {
    beat(link);
    hear(link); /* hands it to MPI at once */
  }
}

static LinkState ended(const Link *link) {
  status_set(link->refused ? BAD_INPUT : FAILED, "%s", link->why);
  return link->ended;
}

LinkState link_poll(Link *link) {
  pump(link);
  if (link->ended != LINK_WORK) return ended(link);
  return link->dropped ? LINK_DROPPED : LINK_WORK;
}

LinkState link_next(Link *link, Assignment *assignment) {
  link->dropped = false;
  link->has_current = false;
  double began = clock_seconds();
  ProfileBegin waited = profile_begin();
  for (;;) {
    pump(link);
    link->dropped = false;
    if (link->ended != LINK_WORK || link->works) break;
    channel_wait(link->channel);
  }
  link->idle_s += clock_seconds() - began;
  profile_end(PROFILE_IDLE, waited, 0);
  if (link->ended != LINK_WORK) return ended(link);
  *assignment = link->current = link->work[0];
  memmove(link->work, link->work + 1, (size_t)--link->works * sizeof link->work[0]);
  judge(link, link->sink.ready(link->sink.store, assignment->policy_slot, assignment->reference_slot));
  if (link->ended != LINK_WORK) return ended(link);
  link->has_current = true;
  return LINK_WORK;
}

bool link_has_work(const Link *link) { return link->works > 0; }

double link_idle_seconds(Link *link) {
  double seconds = link->idle_s;
  link->idle_s = 0;
  return seconds;
}

Status link_send_result(Link *link, const Result *result) {
  if (!link->has_current) return OK; /* its epoch is over, or the learner stopped */
  CHECK(result->work == link->current.work && result->iteration == link->current.iteration &&
        result->chunk == link->current.chunk);
  unsigned char *bytes;
  size_t size;
  Message message = {.type = MESSAGE_RESULT, .epoch = link->epoch, .result = *result};
  TRY(message_encode(&message, &bytes, &size));
  channel_send(link->channel, LEARNER, MESSAGE_RESULT, bytes, size);
  link->told = clock_seconds();
  link->has_current = false;
  pump(link);
  return OK;
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

int link_rank(const Link *link) {
  return link->welcome.rank ? (int)link->welcome.rank : channel_rank(link->channel); /* an actor is never rank 0 */
}

void link_leave(Link *link) { link->leave = 1; }

Status link_open(Link **opened, const LinkOptions *options) {
  Link *link = *opened = xcalloc(1, sizeof *link);
  snprintf(link->config_hash, sizeof link->config_hash, "%s", options->config_hash ? options->config_hash : "");
  snprintf(link->dataset_hash, sizeof link->dataset_hash, "%s", options->dataset_hash ? options->dataset_hash : "");
  snprintf(link->kernel, sizeof link->kernel, "%s", options->kernel ? options->kernel : "");
  link->floats = options->floats;
  link->sink = options->sink;
  double wait = options->join_s > 0 ? options->join_s : 120;
  TRY(channel_open(&link->channel, &(ChannelOptions){.receives = TO_ACTOR,
                                                     .learners = options->learners,
                                                     .start_s = wait,
                                                     .receive_s = wait,
                                                     .door = options->door}));
  channel_place(link->channel, place, link);
  say_hello(link);
  double limit = channel_clock(link->channel) + wait;
  while (!link->epoch && link->ended == LINK_WORK) {
    if (channel_clock(link->channel) > limit)
      return status_set(FAILED, "the learner did not answer within %.0f s (actors.start_timeout_s)", wait);
    pump(link);
    channel_wait(link->channel);
  }
  if (link->ended == LINK_WORK || link->ended == LINK_STOP) return OK; /* link_next tells of a STOP */
  if (link->refused) return status_set(BAD_INPUT, "the learner refused this actor: %s", link->why);
  return status_set(FAILED, "%s", link->why);
}

bool link_close(Link *link, const char *reason, int exit_code) {
  if (!link) return false;
  if (link->leave) reason = link->why;
  bool finalize = false;
  bool heard_of = link->epoch && link->ended != LINK_LOST;
  if (heard_of || link->ended == LINK_STOP) { /* a STOP may come before WELCOME */
    Message goodbye = {.type = MESSAGE_GOODBYE};
    snprintf(goodbye.goodbye.reason, sizeof goodbye.goodbye.reason, "%.*s", REASON_TEXT - 1, reason);
    goodbye.goodbye.has_profile = profile_enabled();
    if (goodbye.goodbye.has_profile) profile_totals(&goodbye.goodbye.profile);
    if (link->ended == LINK_STOP) channel_drop_queue(link->channel, LEARNER);
    send_message(link, &goodbye);
    double limit = clock_seconds() + goodbye_s;
    while (channel_unsent(link->channel, LEARNER) && clock_seconds() < limit && !process_gone(&link->welcome.process)) {
      hear(link);
      channel_wait(link->channel);
    }
    finalize = link->ended == LINK_STOP && link->finalize && !channel_unsent(link->channel, LEARNER);
  }
  finalize = channel_close(link->channel, finalize, goodbye_s, exit_code);
  free(link);
  return finalize;
}
