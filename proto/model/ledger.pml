/* The protocol between the learner's ledger and its actors, for Spin: `make check-model` (tests/model.sh).
 *
 * One learner, ACTORS actors. An actor may be killed at any time, leave, or be given up by mistake and come back in a
 * new epoch; after the HELLO that begins it a result of the earlier epoch may still come, late or for a second time.
 * That is more than MPI does, which keeps the order of a pair: the epochs are to hold without it.
 *
 * What stands for what: ledger_* learner/ledger.c; lose, hear, hub_* proto/hub.c; courier the sent work of
 * proto/courier.c; Learner the rounds of learner/collect.c and rollouts.c; actor.pml proto/link.c, actor/main.c. Left
 * out: snapshots (an assignment is sent only after its blocks), malformed messages, evaluations, refills, the death of
 * the learner. What time decides is a choice: which chunk is late, which actor silent. A round hears one message of
 * each actor: one that is under way for longer is an actor that sends later.
 *
 * FLOATING: actors.max_lag (a chunk takes the newest version when it is handed out); else actors.lag (exact).
 * SURVIVOR: actor 0 is neither killed nor leaves; then `served` can be asked. BEATS: idle actors send heartbeats
 * without end, so that a run need not end; else only beats that matter are sent, and Spin sees a deadlock as one.
 * BUG_*: what Spin must reject. */
#ifndef ACTORS /* all five or none of them */
#define ACTORS 2
#define ITERATIONS 2
#define CHUNKS 2     /* of an iteration */
#define LAG 1
#define SUSPICIONS 1 /* at most, of actors that live */
#endif
#ifdef SURVIVOR
#define FIRST_MORTAL 1
#else
#define FIRST_MORTAL 0
#endif
#define TOTAL (ITERATIONS * CHUNKS)
#define DEPTH 2 /* assignments out at an actor */
#define NONE 255

mtype:message = { HELLO, WELCOME, ASSIGN, RESULT, HEARTBEAT, REJOIN, STOP, GOODBYE };
mtype:actor = { ABSENT, LIVE, LOST, LEFT };
mtype:chunk = { PENDING, ASSIGNED, RETURNED, TAKEN };

/* A message: type, epoch, and of ASSIGN and RESULT chunk (iteration * CHUNKS + number) and policy version. */
chan up[ACTORS] = [6] of { mtype:message, byte, byte, byte };   /* to the learner */
chan down[ACTORS] = [6] of { mtype:message, byte, byte, byte }; /* to the actor */
chan work[ACTORS] = [DEPTH] of { byte, byte };                  /* at the actor: chunk, version; the first is in hand */
bool over[ACTORS], killed[ACTORS];                              /* its process has ended; without a word */

/* What may go wrong yet. Chosen at the start, so that in some runs nothing more does: only then is a deadlock one. */
byte mortal, suspicions; /* actors that may end before the learner, a bit for each; living actors that are given up */

/* The learner's view of its actors. */
mtype:actor state[ACTORS] = ABSENT;
byte epoch[ACTORS];
bool rejoin_said[ACTORS], closing, failed, finished;
chan courier[ACTORS] = [DEPTH] of { byte, byte }; /* chunk, version: what it was sent and has not answered, in order */

/* The ledger. */
mtype:chunk chunk[TOTAL] = PENDING;
byte holders[TOTAL]; /* a bit for each actor */
byte version[TOTAL]; /* of the assignment, and so of the result */
byte took[TOTAL];    /* 1 + the version that was taken: only looked at */
byte k;              /* iterations finished = the newest policy version */

#define is_live(a) (state[a] == LIVE)
#define works(a) len(courier[a])
#define iteration(c) (c / CHUNKS)
#define holds(c, a) (holders[c] & (1 << a))
#ifdef FLOATING
#define first_version(c) NONE
#define renew_version(c) version[c] = k
#define may_take(c) (iteration(c) <= k + LAG)
#define right_version(c) (version[c] <= k && version[c] + LAG >= k)
#else
#define first_version(c) (iteration(c) > LAG -> iteration(c) - LAG : 0)
#define renew_version(c) skip
#define may_take(c) (iteration(c) <= k)
#define right_version(c) (version[c] == first_version(c))
#endif

inline drop_messages(queue) { do :: len(queue) -> queue?_, _, _, _ :: else -> break od }
inline drop_works(queue) { do :: len(queue) -> queue?_, _ :: else -> break od }

inline tell(a, what, c, v) {
  if :: over[a] :: else -> assert(nfull(down[a])); down[a]!what, epoch[a], c, v fi
}

/* --- the ledger --------------------------------------------------------------------------------------------------- */

inline hand_out(c, a) {
  chunk[c] = ASSIGNED; holders[c] = holders[c] | (1 << a); courier[a]!c, version[c];
  tell(a, ASSIGN, c, version[c]);
  handed = true
}

/* The first pending chunk goes to actor a, else one that may be late. */
inline ledger_next(a) {
  for (c : 0 .. TOTAL - 1) {
    if :: !handed && chunk[c] == PENDING && iteration(c) <= k + LAG -> renew_version(c); hand_out(c, a) :: else fi
  }
  for (c : 0 .. TOTAL - 1) {
    if :: !handed && chunk[c] == ASSIGNED && !holds(c, a) -> hand_out(c, a) :: true /* not late yet */ fi
  }
}

inline ledger_return(c, v) {
  if
#ifndef BUG_TWICE
  :: chunk[c] == RETURNED || chunk[c] == TAKEN /* a duplicate */
#endif
  :: else -> if :: version[c] == v -> chunk[c] = RETURNED; holders[c] = 0 :: else /* unknown */ fi
  fi
}

inline ledger_lost(a) {
  for (c : 0 .. TOTAL - 1) {
    holders[c] = holders[c] & ~(1 << a);
#ifndef BUG_LOSE_CHUNK
    if :: chunk[c] == ASSIGNED && !holders[c] -> chunk[c] = PENDING :: else fi
#endif
  }
}

/* Iteration k begins: what nobody took and is of a version below k - LAG is dropped; nothing, if FLOATING is not. */
inline ledger_renew() {
  for (c : 0 .. TOTAL - 1) {
    if
    :: (chunk[c] == ASSIGNED || chunk[c] == RETURNED) && version[c] + LAG < k ->
#ifndef BUG_DROPPED_VERSION
      version[c] = NONE; /* else a result that comes before it is handed out again would count */
#endif
      chunk[c] = PENDING; holders[c] = 0
    :: else
    fi
  }
}

/* As many as an iteration has, oldest first, once they are there. */
inline ledger_take() {
  for (c : 0 .. TOTAL - 1) { if :: chunk[c] == RETURNED && may_take(c) -> ready++ :: else fi }
  if
  :: ready >= CHUNKS ->
    ready = CHUNKS;
    for (c : 0 .. TOTAL - 1) {
      if
      :: ready && chunk[c] == RETURNED && may_take(c) ->
        assert(right_version(c) && !took[c]); /* once */
        chunk[c] = TAKEN; took[c] = 1 + version[c]; ready--
      :: else
      fi
    }
    if :: updating = 1 :: updating = 2 fi /* no round, or one, in the middle of the update */
  :: else
  fi;
  ready = 0
}

/* Work that is out is on its way to the actor, at it or on its way back; or the actor is over: that will be noticed. */
#define names(c) eval(c), eval(version[c])
#define is_out(c, a) (courier[a]??[names(c)] && (over[a] || work[a]??[names(c)] || \
  down[a]??[ASSIGN, eval(epoch[a]), names(c)] || up[a]??[RESULT, eval(epoch[a]), names(c)]))

inline ledger_check() {
  for (c : 0 .. TOTAL - 1) {
    assert((chunk[c] == ASSIGNED) == (holders[c] != 0));
    assert((chunk[c] == TAKEN) == (took[c] != 0) && (!took[c] || took[c] == 1 + version[c])); /* TAKEN never changes */
    for (a : 0 .. ACTORS - 1) { assert(!holds(c, a) || (is_live(a) && is_out(c, a))) }
  }
}

/* --- the hub ------------------------------------------------------------------------------------------------------ */

/* In C what waits to be sent is dropped, too; a WELCOME never waits, and as to the rest it makes no difference. */
inline lose(a, to) {
#ifdef BUG_DROP_WELCOME
  drop_messages(down[a]);
#endif
  rejoin_said[a] = false; drop_works(courier[a]);
  if :: is_live(a) -> ledger_lost(a) :: else fi;
  state[a] = to
}

#ifdef BUG_NO_EPOCH
#define is_now(e, a) true
#else
#define is_now(e, a) (e == epoch[a])
#endif

inline hear(a) {
  up[a]?type, e, d, v;
  assert(type == HELLO || state[a] != ABSENT);
  if
  :: type == HELLO -> assert(!is_live(a)); epoch[a]++; state[a] = LIVE; tell(a, WELCOME, 0, 0)
  :: type == GOODBYE -> lose(a, LEFT) /* of whatever epoch: nothing follows */
  :: type == RESULT && is_live(a) && is_now(e, a) ->
    assert(e == epoch[a]);                 /* an earlier epoch does not count */
    assert(courier[a]?[eval(d), eval(v)]); /* else an honest actor is barred */
    courier[a]?eval(d), eval(v);
    ledger_return(d, v)
#ifndef BUG_NO_REJOIN
  :: (type == RESULT || type == HEARTBEAT) && state[a] == LOST && !rejoin_said[a] && !closing ->
    rejoin_said[a] = true; tell(a, REJOIN, 0, 0)
#endif
  :: else
  fi;
  type = 0; e = 0; d = 0; v = 0
}

/* Of every actor: silence, a message, the end of its process. */
inline hub_pump() {
  for (a : 0 .. ACTORS - 1) {
    if
    :: is_live(a) && over[a] && len(up[a]) -> lose(a, LOST) /* noticed before its last words are read */
    :: is_live(a) && !over[a] && suspicions -> suspicions--; lose(a, LOST)
    :: true
    fi;
    if :: len(up[a]) -> hear(a) :: else fi;
    /* when all behave no limit of time has to end the wait for GOODBYE */
    if :: is_live(a) && over[a] && !len(up[a]) -> assert(killed[a] || !closing); lose(a, LOST) :: else fi
  }
}

/* best: the live actor with the fewest assignments out, if fewer than DEPTH. */
inline hub_ready() {
  best = NONE;
  for (a : 0 .. ACTORS - 1) {
    if :: is_live(a) && works(a) < DEPTH && (best == NONE || works(a) < works(best)) -> best = a :: else fi
  }
}

#if ACTORS == 2
#define some(what) (what(0) || what(1))
#elif ACTORS == 3
#define some(what) (what(0) || what(1) || what(2))
#endif
#define has_news(a) (len(up[a]) || (is_live(a) && (over[a] || suspicions)))
#define may_come(a) (!over[a] || is_live(a) || len(up[a]))

/* A round is one step: what the others do meanwhile is as if done before or after. The ledger hears of a loss at once,
 * since collect_once hands out only when it has taken all events. */
active proctype Learner() {
  mtype:message type;
  byte a, c, d, e, v, best, ready, updating;
  bool handed;
  atomic {
    for (c : 0 .. TOTAL - 1) { version[c] = first_version(c) }
    for (a : 0 .. ACTORS - 1) { run Actor(a) }
    for (a : FIRST_MORTAL .. ACTORS - 1) { if :: mortal = mortal | (1 << a) :: true fi }
    do :: suspicions < SUSPICIONS -> suspicions++ :: break od;
    a = 0; c = 0
  }
  do
  :: atomic {
    k < ITERATIONS && !failed && (updating || some(has_news) || !some(may_come)) ->
      failed = !updating && !some(may_come); /* without actors for 15 s */
      hub_pump();
      if :: updating == 1 -> updating = 0; k++; ledger_renew() :: updating == 2 -> updating = 1 :: else fi;
      if :: !updating && k < ITERATIONS -> ledger_take() :: else fi;
      do
      :: hub_ready();
        if :: best != NONE -> ledger_next(best) :: else fi;
        if :: handed -> handed = false :: else -> break fi
      od;
      ledger_check();
      a = 0; c = 0; best = 0
  }
  :: atomic { k == ITERATIONS || failed -> break }
  od;
  atomic { /* hub_close: what was not yet sent may be dropped */
    closing = true; suspicions = 0;
    for (a : 0 .. ACTORS - 1) {
      if :: drop_messages(down[a]) :: true fi;
      if :: state[a] != LEFT -> tell(a, STOP, 0, 0) :: else fi
    }
    a = 0
  }
  do
  :: atomic { some(is_live) && some(has_news) -> hub_pump(); a = 0; c = 0 }
  :: atomic { !some(is_live) -> break }
  od;
  atomic {
    for (c : 0 .. TOTAL - 1) { assert(failed || chunk[c] == TAKEN) }
    finished = true
  }
}

#include "actor.pml"
