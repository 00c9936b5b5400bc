/* What the learner hears: actors that come, answer, go, or break the protocol. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "proto/hub_state.h"

static void event_add(Hub *hub, EventKind kind, int actor, const char *reason, Result *result) {
  QueuedEvent *queued = xcalloc(1, sizeof *queued);
  queued->event = (Event){.kind = kind, .actor = actor};
  snprintf(queued->event.reason, sizeof queued->event.reason, "%s", reason);
  if (result) queued->event.result = *result;
  *hub->last = queued;
  hub->last = &queued->next;
}

void hub_send(Hub *hub, int rank, Message *message) {
  unsigned char *bytes;
  size_t size;
  message->epoch = hub->actor[rank].epoch;
  Status status = message_encode(message, &bytes, &size);
  CHECK(status == OK); /* only a RESULT can be too large */
  channel_send(hub->channel, rank, message->type, bytes, size);
  hub->actor[rank].told = clock_seconds();
}

/* --- coming and going --------------------------------------------------------------------------------------------- */

void hub_lose(Hub *hub, int rank, ActorState state, const char *reason) {
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

void hub_say_stop(Hub *hub, int rank, bool finalize, const char *why, const char *reason) {
  Message stop = {.type = MESSAGE_STOP, .stop = {.finalize = finalize}};
  snprintf(stop.stop.reason, sizeof stop.stop.reason, "%s%.200s", why, reason);
  hub_send(hub, rank, &stop);
}

void hub_bar(Hub *hub, int rank, const char *reason) {
  if (hub->actor[rank].state == ACTOR_BARRED) return;
  log_error("rank %d broke the protocol and is barred: %s", rank, reason);
  hub_lose(hub, rank, ACTOR_BARRED, reason);
  hub_say_stop(hub, rank, false, "barred: ", reason);
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
    snprintf(reason, REASON_TEXT,
             "its dataset (%s) is not the learner's (%s): data.file must be the same on every machine",
             hello->dataset_hash, hub->dataset_hash);
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
    if (actor->told == 0) hub_say_stop(hub, rank, false, "", "the run is over"); /* it came in by the door just now */
    return;
  }
  if (actor->state == ACTOR_LIVE)
    hub_lose(hub, rank, ACTOR_LOST,
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
  hub_send(hub, rank, &welcome);
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
    hub_bar(hub, rank, "a RESULT that answers no work given to it, or whose rewards or tokens cannot be");
    return;
  }
  courier_returned(courier, assignment);
  hub->counters.results++;
  event_add(hub, EVENT_RESULT, rank, "", result);
}

void hub_say_rejoin(Hub *hub, int rank) {
  Actor *actor = &hub->actor[rank];
  if (actor->rejoin_said || hub->closing) return;
  Message rejoin = {.type = MESSAGE_REJOIN, .rejoin = {actor->epoch}};
  hub_send(hub, rank, &rejoin);
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
    hub_bar(hub, incoming->peer, "a SNAPSHOT_TAKEN of a block that was not sent");
  }
}

void hub_hear(Hub *hub, const Incoming *incoming) {
  int rank = incoming->peer;
  Actor *actor = &hub->actor[rank];
  Message message;
  if (message_decode(incoming->bytes, incoming->size, TO_LEARNER, &message) != OK) {
    hub_bar(hub, rank, status_message());
    return;
  }
  if (message.type != incoming->type) {
    message_free(&message);
    hub_bar(hub, rank, "a message whose type is not its tag");
    return;
  }
  if (message.type == MESSAGE_HELLO) {
    hear_hello(hub, rank, &message.hello);
  } else if (actor->state == ACTOR_ABSENT) {
    message_free(&message);
    hub_bar(hub, rank, "a message before HELLO");
    return;
  } else if (message.type == MESSAGE_GOODBYE) { /* of whatever epoch: nothing follows */
    if (message.goodbye.has_profile) profile_hear(PROFILE_ACTORS, rank, &message.goodbye.profile);
    hub_lose(hub, rank, ACTOR_LEFT, message.goodbye.reason);
  } else if (actor->state == ACTOR_LIVE && message.epoch == actor->epoch) {
    hear_live(hub, incoming, &message);
  } else if (actor->state == ACTOR_LOST) {
    hub_say_rejoin(hub, rank);
  }
  message_free(&message);
}
