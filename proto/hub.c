/* The learner's side: actors come, get snapshots and work, answer, go or are lost. */
#include "proto/hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/channel.h"

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

static const double look_s = 0.5; /* between looks at processes and silences */
enum { PIECES_A_PUMP = 4 };

static void event_add(Hub *hub, EventKind kind, int actor, const char *reason, Result *result) {
  QueuedEvent *queued = xcalloc(1, sizeof *queued);
  queued->event = (Event){.kind = kind, .actor = actor};
  snprintf(queued->event.reason, sizeof queued->event.reason, "%s", reason);
  if (result) queued->event.result = *result;
  *hub->last = queued;
  hub->last = &queued->next;
}

static void send_piece(Hub *hub, int rank, const SnapshotPiece *piece) {
  hub->counters.snapshot_bytes += piece->size;
  channel_send_shared(hub->channel, rank, MESSAGE_SNAPSHOT_PIECE, piece->block, piece->bytes, piece->size);
  hub->actor[rank].told = clock_seconds();
}

static void send_message(Hub *hub, int rank, Message *message) {
  unsigned char *bytes;
  size_t size;
  message->epoch = hub->actor[rank].epoch;
  Status status = message_encode(message, &bytes, &size);
  CHECK(status == OK); /* only a RESULT can be too large */
  channel_send(hub->channel, rank, message->type, bytes, size);
  hub->actor[rank].told = clock_seconds();
}

/* --- coming and going --------------------------------------------------------------------------------------------- */

static void lose(Hub *hub, int rank, ActorState state, const char *reason) {
  Actor *actor = &hub->actor[rank];
  bool was_live = actor->state == ACTOR_LIVE;
  actor->state = state;
  actor->rejoin_said = false;
  courier_leave(&actor->courier);
  channel_drop_queue(hub->channel, rank);
  if (!was_live) return;
  if (!hub->closing) log_warning("actor %d %s: %s", rank, state == ACTOR_LEFT ? "leaves" : "is lost", reason);
  event_add(hub, EVENT_LOST, rank, reason, NULL);
}

static void say_stop(Hub *hub, int rank, bool finalize, const char *why, const char *reason) {
  Message stop = {.type = MESSAGE_STOP, .stop = {.finalize = finalize}};
  snprintf(stop.stop.reason, sizeof stop.stop.reason, "%s%.200s", why, reason);
  send_message(hub, rank, &stop);
}

/* A peer that breaks the protocol is told to stop and never listened to again. */
static void bar(Hub *hub, int rank, const char *reason) {
  if (hub->actor[rank].state == ACTOR_BARRED) return;
  log_error("rank %d broke the protocol and is barred: %s", rank, reason);
  lose(hub, rank, ACTOR_BARRED, reason);
  say_stop(hub, rank, false, "barred: ", reason);
  channel_mute(hub->channel, rank, true);
}

/* "" when the actor may join, else why not. */
static void judge(const Hub *hub, const Hello *hello, char reason[REASON_TEXT]) {
  reason[0] = 0;
  if (hub->options.refuse) snprintf(reason, REASON_TEXT, "%s", hub->options.refuse);
  else if (strcmp(hello->config_hash, hub->config_hash) != 0)
    snprintf(reason, REASON_TEXT,
             "its configuration (%s) is not the learner's (%s): start all ranks with the same file", hello->config_hash,
             hub->config_hash);
  else if (strcmp(hello->dataset_hash, hub->dataset_hash) != 0)
    snprintf(reason, REASON_TEXT, "its dataset (%s) is not the learner's (%s)", hello->dataset_hash, hub->dataset_hash);
  else if (hello->floats != hub->options.floats)
    snprintf(reason, REASON_TEXT, "its model has %" PRIu64 " weights, the learner's %zu", hello->floats,
             hub->options.floats);
}

/* A live actor whose memory this one can have too; NULL: none. */
static const Actor *host_of(const Hub *hub, const Hello *hello) {
  if (hello->segment.descriptor < 0) return NULL;
  for (int rank = hub->learners; rank < hub->ranks; rank++) {
    const Actor *host = &hub->actor[rank];
    if (host->state == ACTOR_LIVE && courier_hosts(&host->courier) && host->segment.descriptor >= 0 &&
        process_beside(&host->process, &hello->process))
      return host;
  }
  return NULL;
}

/* Gives it a place to have its weights in. */
static void settle(const Hub *hub, Actor *actor, const Hello *hello, Welcome *welcome) {
  const Actor *host = host_of(hub, hello);
  welcome->segment = actor->segment = hello->segment;
  if (!host) {
    bool near =
        !hub->options.distant && hello->segment.descriptor >= 0 && process_beside(&hub->process, &hello->process);
    courier_join_new(&actor->courier, depot_slots(hub->options.lag));
    if (near) (void)courier_reach(&actor->courier, &hello->segment, hub->options.floats * sizeof(float));
    return;
  }
  welcome->segment = host->segment;
  actor->segment.inode = host->segment.inode;
  courier_join(&actor->courier, &host->courier);
}

static void hear_hello(Hub *hub, int rank, const Hello *hello) {
  Actor *actor = &hub->actor[rank];
  char reason[REASON_TEXT];
  if (hub->closing) { /* STOP is on its way to it, and it may be gone when a WELCOME comes */
    if (actor->told == 0) say_stop(hub, rank, false, "", "the run is over"); /* it came in by the door just now */
    return;
  }
  if (actor->state == ACTOR_LIVE)
    lose(hub, rank, ACTOR_LOST,
         hello->segment.descriptor < 0 ? "cannot share its machine's weights" : "said HELLO again");
  judge(hub, hello, reason);
  actor->process = hello->process;
  actor->epoch++;
  Message welcome = {.type = MESSAGE_WELCOME,
                     .welcome = {.accepted = !reason[0],
                                 .epoch = actor->epoch,
                                 .rank = (uint32_t)rank,
                                 .heartbeat_s = hub->options.heartbeat_s,
                                 .silence_s = hub->options.learner_silence_s,
                                 .slots = (uint32_t)depot_slots(hub->options.lag),
                                 .process = hub->process}};
  memcpy(welcome.welcome.reason, reason, sizeof reason);
  if (!reason[0]) settle(hub, actor, hello, &welcome.welcome);
  send_message(hub, rank, &welcome);
  if (reason[0]) {
    log_error("actor %d (%s, pid %d) is refused: %s", rank, hello->process.host, hello->process.pid, reason);
    memcpy(hub->refusal, reason, sizeof reason);
    hub->refused++;
    actor->state = ACTOR_LEFT;
    return;
  }
  actor->state = ACTOR_LIVE;
  actor->announced = false;
  actor->heard = channel_clock(hub->channel);
  if (strcmp(hello->kernel, hub->kernel) != 0 && !hub->kernel_warned) {
    hub->kernel_warned = true;
    log_warning("actor %d on %s uses BLAS kernel %s, the learner %s: results may differ in their last bits from run to "
                "run",
                rank, hello->process.host, hello->kernel, hub->kernel);
  }
  snprintf(reason, sizeof reason, "%s, pid %d", hello->process.host, hello->process.pid);
  log_debug("actor %d joined (%s, epoch %u)", rank, reason, actor->epoch);
  event_add(hub, EVENT_JOINED, rank, reason, NULL);
}

/* --- listening ---------------------------------------------------------------------------------------------------- */

/* Takes the result. */
static void hear_result(Hub *hub, int rank, Result *result) {
  Courier *courier = &hub->actor[rank].courier;
  const Assignment *assignment = courier_find(courier, result->work, result->iteration, result->chunk);
  if (!assignment || !answer_fits(&hub->options.answers, result, assignment)) {
    result_free(result);
    bar(hub, rank, "a RESULT that answers no work given to it, or whose rewards or tokens cannot be");
    return;
  }
  courier_returned(courier, assignment);
  hub->counters.results++;
  event_add(hub, EVENT_RESULT, rank, "", result);
}

/* Tells a lost actor that it is, once. */
static void say_rejoin(Hub *hub, int rank) {
  Actor *actor = &hub->actor[rank];
  if (actor->rejoin_said || hub->closing) return;
  Message rejoin = {.type = MESSAGE_REJOIN, .rejoin = {actor->epoch}};
  send_message(hub, rank, &rejoin);
  actor->rejoin_said = true;
}

static void hear_live(Hub *hub, const Incoming *incoming, Message *message) {
  Actor *actor = &hub->actor[incoming->peer];
  actor->heard = channel_clock(hub->channel);
  actor->courier.settled = true;
  if (message->type == MESSAGE_RESULT) {
    hub->counters.result_bytes += incoming->size;
    hear_result(hub, incoming->peer, &message->result);
    message->type = MESSAGE_TYPES; /* taken */
  } else if (message->type == MESSAGE_SNAPSHOT_TAKEN && !courier_taken(&actor->courier, message->taken.slot)) {
    bar(hub, incoming->peer, "a SNAPSHOT_TAKEN of a block that was not sent");
  }
}

static void hear(Hub *hub, const Incoming *incoming) {
  int rank = incoming->peer;
  Actor *actor = &hub->actor[rank];
  Message message;
  if (message_decode(incoming->bytes, incoming->size, TO_LEARNER, &message) != OK) {
    bar(hub, rank, status_message());
    return;
  }
  if (message.type != incoming->type) {
    message_free(&message);
    bar(hub, rank, "a message whose type is not its tag");
    return;
  }
  if (message.type == MESSAGE_HELLO) {
    hear_hello(hub, rank, &message.hello);
  } else if (actor->state == ACTOR_ABSENT) {
    message_free(&message);
    bar(hub, rank, "a message before HELLO");
    return;
  } else if (message.type == MESSAGE_GOODBYE) { /* of whatever epoch: nothing follows */
    if (message.goodbye.has_profile) profile_hear(PROFILE_ACTORS, rank, &message.goodbye.profile);
    lose(hub, rank, ACTOR_LEFT, message.goodbye.reason);
  } else if (actor->state == ACTOR_LIVE && message.epoch == actor->epoch) {
    hear_live(hub, incoming, &message);
  } else if (actor->state == ACTOR_LOST) {
    say_rejoin(hub, rank);
  }
  message_free(&message);
}

/* Faults of the channel, ended processes, silences. */
static void look(Hub *hub) {
  int rank;
  const char *reason;
  for (ChannelFault fault; (fault = channel_fault(hub->channel, &rank, &reason)) != FAULT_NONE;) {
    if (fault == FAULT_MALFORMED) bar(hub, rank, reason);
    else if (hub->actor[rank].state == ACTOR_LIVE) lose(hub, rank, ACTOR_LOST, reason);
  }
  double now = clock_seconds();
  if (now - hub->checked < look_s) return;
  hub->checked = now;
  for (rank = hub->learners; rank < hub->ranks; rank++) {
    Actor *actor = &hub->actor[rank];
    if (actor->state != ACTOR_LIVE) continue;
    double silent = channel_clock(hub->channel) - actor->heard;
    if (process_gone(&actor->process)) lose(hub, rank, ACTOR_LOST, "its process has ended");
    else if (silent > hub->options.silence_s) {
      char text[64];
      snprintf(text, sizeof text, "silent for %.1f s", silent);
      lose(hub, rank, ACTOR_LOST, text);
    }
  }
}

/* --- progress ----------------------------------------------------------------------------------------------------- */

/* What its courier hands out. */
static void hand_out(Hub *hub, int rank, Message *message) {
  if (message->type == MESSAGE_REJOIN) {
    lose(hub, rank, ACTOR_LOST, "its weights are gone: their filler was lost, or they are out of date");
    say_rejoin(hub, rank);
  } else if (message->type == MESSAGE_SNAPSHOT_PIECE) {
    send_piece(hub, rank, &message->piece);
  } else {
    send_message(hub, rank, message);
  }
}

/* Gives each live actor its next message. True when anything was queued. */
static bool talk(Hub *hub) {
  bool queued = false, transfer = false;
  double now = clock_seconds();
  for (int rank = hub->learners; rank < hub->ranks; rank++) {
    Actor *actor = &hub->actor[rank];
    if (actor->state != ACTOR_LIVE) continue;
    size_t filled = courier_fill(&actor->courier, &hub->shelf);
    hub->counters.snapshot_bytes += filled;
    queued = queued || filled;
    int unsent = channel_unsent(hub->channel, rank);
    Message message;
    if (unsent < 2 && courier_next(&actor->courier, &hub->shelf, &message)) {
      hand_out(hub, rank, &message);
      queued = true;
    } else if (!unsent && now - actor->told > hub->options.heartbeat_s) {
      message = (Message){.type = MESSAGE_HEARTBEAT, .heartbeat = {hub->beats++}};
      send_message(hub, rank, &message);
    }
    transfer = transfer || courier_filling(&actor->courier);
  }
  if (hub->transfer_seen > 0) hub->counters.snapshot_s += now - hub->transfer_seen;
  hub->transfer_seen = transfer ? now : 0;
  return queued;
}

void hub_pump(Hub *hub) {
  for (int round = 0; round < PIECES_A_PUMP; round++) {
    bool queued = !hub->closing && talk(hub), heard = false;
    Incoming incoming;
    for (int n = 0; n < 4 * hub->ranks && channel_receive(hub->channel, &incoming); n++) {
      heard = true;
      hear(hub, &incoming);
      incoming_free(&incoming);
    }
    hub->ranks = channel_size(hub->channel);
    if (!queued && !heard) break;
  }
  look(hub);
  team_pump(hub->options.team);
}

bool hub_poll(Hub *hub, Event *event) {
  hub_pump(hub);
  QueuedEvent *queued = hub->first;
  if (!queued) return false;
  hub->first = queued->next;
  if (!hub->first) hub->last = &hub->first;
  *event = queued->event;
  free(queued);
  if (event->kind == EVENT_JOINED) hub->actor[event->actor].announced = true;
  return true;
}

void hub_idle(Hub *hub) {
  double began = clock_seconds();
  channel_wait(hub->channel);
  hub->counters.idle_s += clock_seconds() - began;
}

/* --- what the trainer asks ---------------------------------------------------------------------------------------- */

void hub_publish(Hub *hub, SnapshotKind kind, int64_t version, Shared *weights) {
  shelf_publish(&hub->shelf, kind, version, weights);
  hub_pump(hub);
}

void hub_adopt_reference(Hub *hub, int64_t policy_version, int64_t reference_version) {
  shelf_adopt(&hub->shelf, policy_version, reference_version);
}

int hub_ready(const Hub *hub, int depth) {
  int best = -1;
  if (depth > WORKS_MAX) depth = WORKS_MAX;
  for (int rank = hub->learners; rank < hub->ranks; rank++) {
    const Actor *actor = &hub->actor[rank];
    if (actor->state != ACTOR_LIVE || !actor->announced || actor->courier.works >= depth) continue;
    if (best < 0 || actor->courier.works < hub->actor[best].courier.works) best = rank;
  }
  return best;
}

void hub_assign(Hub *hub, int rank, const Assignment *assignment) {
  CHECK(rank >= hub->learners && rank < hub->ranks && hub->actor[rank].state == ACTOR_LIVE);
  CHECK(shelf_find(&hub->shelf, SNAPSHOT_POLICY, assignment->policy_version));
  CHECK(assignment->reference_version == VERSION_NONE ||
        shelf_find(&hub->shelf, SNAPSHOT_REFERENCE, assignment->reference_version));
  courier_assign(&hub->actor[rank].courier, assignment);
}

double hub_clock(const Hub *hub) { return channel_clock(hub->channel); }
int hub_actors(const Hub *hub) { return hub->ranks - hub->learners; }
HubCounters hub_counters(const Hub *hub) { return hub->counters; }

static int in_state(const Hub *hub, ActorState state) {
  int count = 0;
  for (int rank = hub->learners; rank < hub->ranks; rank++) count += hub->actor[rank].state == state;
  return count;
}

int hub_live(const Hub *hub) { return in_state(hub, ACTOR_LIVE); }
int hub_lost(const Hub *hub) {
  return in_state(hub, ACTOR_LOST) + in_state(hub, ACTOR_BARRED) + in_state(hub, ACTOR_LEFT);
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

static double given(double value, double otherwise) { return value > 0 ? value : otherwise; }

static Hub *hub_new(const HubOptions *options) {
  Hub *hub = xcalloc(1, sizeof *hub);
  hub->options = *options;
  HubOptions *o = &hub->options;
  o->heartbeat_s = given(o->heartbeat_s, 1);
  o->silence_s = given(o->silence_s, 10 * o->heartbeat_s > 5 ? 10 * o->heartbeat_s : 5);
  o->learner_silence_s = given(o->learner_silence_s, 300);
  o->join_s = given(o->join_s, 30);
  o->goodbye_s = given(o->goodbye_s, 10);
  CHECK(o->lag >= 0 && o->lag <= LAG_MAX);
  snprintf(hub->config_hash, sizeof hub->config_hash, "%s", o->config_hash ? o->config_hash : "");
  snprintf(hub->dataset_hash, sizeof hub->dataset_hash, "%s", o->dataset_hash ? o->dataset_hash : "");
  snprintf(hub->kernel, sizeof hub->kernel, "%s", o->kernel ? o->kernel : "");
  o->config_hash = hub->config_hash;
  o->dataset_hash = hub->dataset_hash;
  o->kernel = hub->kernel;
  hub->last = &hub->first;
  process_self(&hub->process);
  shelf_init(&hub->shelf, o->floats, o->lag + 1);
  return hub;
}

Status hub_open(Hub **opened, const HubOptions *options) {
  Hub *hub = *opened = hub_new(options);
  hub->learners = team_ranks(options->team);
  TRY(channel_open(&hub->channel, &(ChannelOptions){.receives = TO_LEARNER,
                                                    .learners = hub->learners,
                                                    .start_s = hub->options.join_s,
                                                    .receive_s = hub->options.silence_s,
                                                    .door = hub->options.door}));
  hub->ranks = channel_size(hub->channel);
  hub->actor = xcalloc((size_t)channel_capacity(hub->channel), sizeof *hub->actor);
  double limit = hub_clock(hub) + hub->options.join_s;
  while (hub_live(hub) + hub->refused < hub_actors(hub) && hub_clock(hub) < limit) {
    hub_pump(hub);
    hub_idle(hub);
  }
  if (!hub_live(hub) && hub->refused)
    return status_set(BAD_INPUT, "every actor was refused; the last one: %s", hub->refusal);
  if (!hub_live(hub))
    return status_set(FAILED, "no actor came within %.0f s (actors.start_timeout_s); did the actors start?",
                      hub->options.join_s);
  for (int rank = hub->learners; rank < hub->ranks; rank++)
    hub->actor[rank].announced = hub->actor[rank].state == ACTOR_LIVE;
  if (hub_live(hub) < hub_actors(hub))
    log_warning("going on with %d of %d actors; the others may come later", hub_live(hub), hub_actors(hub));
  hub->counters = (HubCounters){0};
  return OK;
}

static bool unsent(const Hub *hub) {
  for (int rank = hub->learners; rank < hub->ranks; rank++)
    if (channel_unsent(hub->channel, rank)) return true;
  return false;
}

/* STOP to every actor, then waits for those that live to say GOODBYE. True: nobody is or was missing, or came in by the door,
 * and MPI has nothing left of ours: the actors, then told to finalize, do not wait for a learner that does not. */
static bool dismiss(Hub *hub, const char *reason) {
  bool all_alive = channel_shut(hub->channel) && hub_live(hub) == hub_actors(hub) && !team_lost(hub->options.team);
  hub->closing = true;
  for (int rank = hub->learners; rank < hub->ranks; rank++) {
    if (hub->actor[rank].state == ACTOR_BARRED || hub->actor[rank].state == ACTOR_LEFT) continue;
    channel_drop_queue(hub->channel, rank);
    say_stop(hub, rank, all_alive, "", reason);
  }
  double limit = clock_seconds() + hub->options.goodbye_s;
  bool all_left = false;
  while (clock_seconds() < limit) {
    all_left = in_state(hub, ACTOR_LEFT) == hub_actors(hub);
    if (!hub_live(hub) && !(all_alive && all_left && unsent(hub))) break;
    hub_pump(hub);
    hub_idle(hub);
  }
  return all_alive && all_left;
}

bool hub_close(Hub *hub, const char *reason, int exit_code) {
  if (!hub) return false;
  bool finalize = hub->channel && hub->actor && dismiss(hub, reason) && !channel_busy(hub->channel);
  if (finalize && hub->refused) finalize = false; /* refused actors did not wait for us */
  finalize = team_close(hub->options.team, finalize);
  finalize = channel_close(hub->channel, finalize, hub->options.goodbye_s, exit_code);
  while (hub->first) {
    QueuedEvent *queued = hub->first;
    hub->first = queued->next;
    result_free(&queued->event.result);
    free(queued);
  }
  shelf_free(&hub->shelf);
  for (int rank = 0; hub->actor && rank < hub->ranks; rank++) courier_leave(&hub->actor[rank].courier);
  free(hub->actor);
  free(hub);
  return finalize;
}
