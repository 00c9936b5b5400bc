/* Collect: the learner's waiting loop. */
#include "learner/collect.h"

#include "common/base/log.h"
#include "common/base/profile.h"

static void take(Hub *hub, Ledger *ledger, Event *event) {
  switch (event->kind) {
    case EVENT_JOINED: log_info("actor %d joined (%s); %d alive", event->actor, event->reason, hub_live(hub)); break;
    case EVENT_LOST:
      log_info("%d chunks of actor %d go to others; %d actors alive", ledger_lost(ledger, event->actor), event->actor,
               hub_live(hub));
      break;
    case EVENT_RESULT: ledger_return(ledger, event->actor, hub_clock(hub), &event->result); break;
    case EVENT_NONE: break;
  }
}

static bool assign(Hub *hub, Ledger *ledger) {
  static Assignment assignment; /* large */
  bool any = false;
  for (int actor; (actor = hub_ready(hub, 2)) >= 0 && ledger_next(ledger, actor, hub_clock(hub), &assignment);) {
    hub_assign(hub, actor, &assignment);
    any = true;
  }
  return any;
}

bool collect_once(Hub *hub, Ledger *ledger) {
  Event event;
  bool any = false;
  while (hub_poll(hub, &event)) {
    take(hub, ledger, &event);
    any = true;
  }
  return assign(hub, ledger) || any;
}

enum { GRACE_S = 15 }; /* without any actor: one that was only stopped comes back */

Status collect(Hub *hub, Ledger *ledger, Work work, int64_t last, int chunks, const volatile int *stop,
               bool *complete) {
  double alone_since = hub_clock(hub);
  ProfileBegin began = profile_begin();
  while (!(*complete = ledger_ready(ledger, work, last) >= chunks) && !*stop) {
    bool any = collect_once(hub, ledger);
    if (hub_live(hub) > 0) alone_since = hub_clock(hub);
    if (hub_clock(hub) - alone_since > GRACE_S)
      return status_set(FAILED, "no actors: all %d are gone, for %d s now", hub_actors(hub), GRACE_S);
    if (!any) hub_idle(hub);
  }
  profile_end(PROFILE_IDLE, began, 0);
  return OK;
}
