/* The learner's side: each actor gets its next message, silent ones are lost, and what the trainer asks is answered. */
#include "proto/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/hub_state.h"

static const double look_s = 0.5; /* between looks at processes and silences */
enum { PIECES_A_PUMP = 4 };

/* --- progress ----------------------------------------------------------------------------------------------------- */

/* Faults of the channel, ended processes, silences. */
static void look(Hub *hub) {
  int rank;
  const char *reason;
  for (ChannelFault fault; (fault = channel_fault(hub->channel, &rank, &reason)) != FAULT_NONE;) {
    if (fault == FAULT_MALFORMED) hub_bar(hub, rank, reason);
    else if (hub->actor[rank].state == ACTOR_LIVE) hub_lose(hub, rank, ACTOR_LOST, reason);
  }
  double now = clock_seconds();
  if (now - hub->checked < look_s) return;
  hub->checked = now;
  for (rank = hub->learners; rank < hub->ranks; rank++) {
    Actor *actor = &hub->actor[rank];
    if (actor->state != ACTOR_LIVE) continue;
    double silent = channel_clock(hub->channel) - actor->heard;
    if (process_gone(&actor->process)) hub_lose(hub, rank, ACTOR_LOST, "its process has ended");
    else if (silent > hub->options.silence_s) {
      char text[64];
      snprintf(text, sizeof text, "silent for %.1f s", silent);
      hub_lose(hub, rank, ACTOR_LOST, text);
    }
  }
}

static void send_piece(Hub *hub, int rank, const SnapshotPiece *piece) {
  hub->counters.snapshot_bytes += piece->size;
  channel_send_shared(hub->channel, rank, MESSAGE_SNAPSHOT_PIECE, piece->block, piece->bytes, piece->size);
  hub->actor[rank].told = clock_seconds();
}

/* What its courier hands out. */
static void hand_out(Hub *hub, int rank, Message *message) {
  if (message->type == MESSAGE_REJOIN) {
    hub_lose(hub, rank, ACTOR_LOST, "its weights are gone: their filler was lost, or they are out of date");
    hub_say_rejoin(hub, rank);
  } else if (message->type == MESSAGE_SNAPSHOT_PIECE) {
    send_piece(hub, rank, &message->piece);
  } else {
    hub_send(hub, rank, message);
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
      hub_send(hub, rank, &message);
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
      hub_hear(hub, &incoming);
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

static int count(const Hub *hub, int ranks, ActorState state) {
  int n = 0;
  for (int rank = hub->learners; rank < ranks; rank++) n += hub->actor[rank].state == state;
  return n;
}
static int in_state(const Hub *hub, ActorState state) { return count(hub, hub->ranks, state); }

int hub_live(const Hub *hub) { return in_state(hub, ACTOR_LIVE); }
int hub_lost(const Hub *hub) {
  return in_state(hub, ACTOR_LOST) + in_state(hub, ACTOR_BARRED) + count(hub, hub->started, ACTOR_LEFT);
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
  hub->ranks = hub->started = channel_size(hub->channel);
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
    hub_say_stop(hub, rank, all_alive, "", reason);
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
