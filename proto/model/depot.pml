/* Who may write weights into memory that the actors of a machine share, for Spin: `make check-model` (tests/model.sh).
 *
 * One learner, ACTORS actors of one machine. The learner publishes versions, keeps the newest, and hands out work with
 * it. An actor may be given up by mistake at any time, and go on with what it has and what is on its way to it, until
 * it hears REJOIN; or be killed. To ask for: the result that the learner takes was made with the version it names.
 *
 * What stands for what: the learner's part proto/courier.c and hub.c, the actor's proto/link.c and actor/snapshot.c.
 * A block is one piece, which is torn from its beginning on. Left out: references, the ledger, chunks in wait; what an
 * actor opens instead of memory that it cannot have is tested (tests/mpi/protocol.sh).
 *
 * BUG_*: what Spin must reject. */
#ifndef ACTORS
#define ACTORS 2
#define VERSIONS 3
#define SLOTS 2
#define SUSPICIONS 1 /* at most, of actors that live */
#endif
#define DEPOTS 6 /* that there can ever be: Spin says when they are not enough */
#define NONE 255
#define TORN 254

mtype:message = { WELCOME, BEGIN, PIECE, END, ASSIGN, REJOIN };
mtype:holds = { EMPTY, FILLING, ENDED, SUPERSEDED, READY };

/* To an actor: type, epoch, slot or depot, version. To the learner: type, epoch, slot or version. */
chan down[ACTORS] = [6] of { mtype:message, byte, byte, byte };
mtype:reply = { HELLO, HERE, TAKEN, RESULT };
chan up[ACTORS] = [4] of { mtype:reply, byte, byte };

byte memory[DEPOTS * SLOTS] = NONE; /* what really is there: a version, NONE or TORN */

/* The learner's view. */
byte newest, depots;
bool live[ACTORS], settled[ACTORS], rejoin_said[ACTORS], lost[DEPOTS], crowded[DEPOTS];
byte epoch[ACTORS], depot[ACTORS] = NONE, filler[DEPOTS] = NONE, transfer[DEPOTS] = NONE;
mtype:holds state[DEPOTS * SLOTS] = EMPTY;
byte version[DEPOTS * SLOTS] = NONE;
byte work_version[ACTORS] = NONE, work_slot[ACTORS] = NONE; /* out at an actor; NONE: nothing is */
byte suspicions; /* what may go wrong yet */

#define at(d, s) ((d) * SLOTS + (s))
#define tell(a, what, x, y) down[a]!what, epoch[a], x, y
#ifdef BUG_FREE_SUPERSEDED
#define under_way(i) (state[i] == FILLING || state[i] == ENDED)
#else
#define under_way(i) (state[i] == FILLING || state[i] == ENDED || state[i] == SUPERSEDED)
#endif
#define busy(d) (under_way(at(d, 0)) || under_way(at(d, 1))) /* SLOTS is 2 */
#define room(a) (len(down[a]) < 2)

inline leave(a) {
  if
  :: depot[a] != NONE ->
#ifndef BUG_KEEP_DEPOT
    if :: filler[depot[a]] == a -> lost[depot[a]] = true :: else fi;
#endif
    if :: filler[depot[a]] == a -> filler[depot[a]] = NONE; transfer[depot[a]] = NONE :: else fi;
    depot[a] = NONE
  :: else
  fi;
  live[a] = false; settled[a] = false; rejoin_said[a] = false;
  work_version[a] = NONE; work_slot[a] = NONE
}

/* The depot of some live actor that has the memory, else a new one. */
inline hear_hello(a) {
  if :: live[a] -> leave(a) :: else fi;
  d = NONE;
  for (o : 0 .. ACTORS - 1) {
    if
    :: o != a && live[o] && settled[o] && !lost[depot[o]] && d == NONE -> d = depot[o]
    :: else
    fi
  }
  settled[a] = (d == NONE);
  if :: d == NONE -> d = depots; depots++ :: else fi;
  depot[a] = d; live[a] = true; epoch[a]++;
  tell(a, WELCOME, d, 0);
  d = 0; o = 0
}

inline hear(a) {
  up[a]?reply, e, x;
  if
  :: reply == HELLO -> hear_hello(a)
  :: reply != HELLO && live[a] && e == epoch[a] ->
    settled[a] = true;
    if
    :: reply == TAKEN ->
      assert(filler[depot[a]] == a && state[at(depot[a], x)] == ENDED);
      state[at(depot[a], x)] = READY;
      if :: !busy(depot[a]) -> filler[depot[a]] = NONE :: else fi
    :: reply == RESULT -> /* it is taken, as that of the work that is out */
      assert(x == work_version[a]);
      work_version[a] = NONE; work_slot[a] = NONE
    :: else
    fi
  :: reply != HELLO && !live[a] && !rejoin_said[a] -> tell(a, REJOIN, 0, 0); rejoin_said[a] = true
  :: else
  fi;
  reply = 0; e = 0; x = 0
}

#define whole(a, s) (state[at(depot[a], s)] == READY || (state[at(depot[a], s)] == ENDED && ENDED_FOR(a)))
#ifdef BUG_ENDED_FOR_ALL
#define ENDED_FOR(a) true
#else
#define ENDED_FOR(a) (filler[depot[a]] == a)
#endif
#define has(a, s) (whole(a, s) && version[at(depot[a], s)] == newest)

/* Is slot s of depot d out with anybody there? */
inline look_for_work(d, s) {
  needed = false;
  for (o : 0 .. ACTORS - 1) { if :: depot[o] == d && work_slot[o] == s -> needed = true :: else fi }
  o = 0
}

/* The first slot that may be overwritten, or NONE. `there`: the newest is in the depot or on its way. */
inline find_room(d) {
  x = NONE; there = false;
  for (s : 0 .. SLOTS - 1) {
    look_for_work(d, s);
    if
    :: state[at(d, s)] != EMPTY && version[at(d, s)] == newest -> there = true
    :: (state[at(d, s)] == EMPTY || state[at(d, s)] == SUPERSEDED) && x == NONE -> x = s
#ifdef BUG_OVERWRITE_USED
    :: state[at(d, s)] == READY && version[at(d, s)] != newest && x == NONE -> x = s
#else
    :: state[at(d, s)] == READY && version[at(d, s)] != newest && !needed && x == NONE -> x = s
#endif
    :: else
    fi
  }
  s = 0
}

inline fill(a) {
  d = depot[a];
  if
  :: transfer[d] != NONE && version[at(d, transfer[d])] == newest -> /* piece and end */
    tell(a, PIECE, transfer[d], newest); tell(a, END, transfer[d], 0);
    state[at(d, transfer[d])] = ENDED; transfer[d] = NONE
  :: else ->
    if
    :: transfer[d] != NONE -> /* superseded: its piece may be under way or not */
      if :: tell(a, PIECE, transfer[d], version[at(d, transfer[d])]) :: true fi;
      state[at(d, transfer[d])] = SUPERSEDED; version[at(d, transfer[d])] = NONE; transfer[d] = NONE;
      if :: !busy(d) -> filler[d] = NONE :: else fi
    :: else ->
      find_room(d);
      if
      :: !there && x != NONE ->
        state[at(d, x)] = FILLING; version[at(d, x)] = newest; transfer[d] = x; filler[d] = a;
        tell(a, BEGIN, x, newest)
      :: !there && x == NONE -> crowded[d] = true
      :: else
      fi;
      x = 0; there = false; needed = false
    fi
  fi;
  d = 0
}

/* What courier_next gives actor a. */
inline courier_next(a) {
  if
  :: lost[depot[a]] || (crowded[depot[a]] && work_version[a] != NONE && work_version[a] != newest) ->
    crowded[depot[a]] = false;
    leave(a);
    tell(a, REJOIN, 0, 0); rejoin_said[a] = true
  :: else ->
    if
    :: work_version[a] == NONE && has(a, 0) -> work_version[a] = newest; work_slot[a] = 0; tell(a, ASSIGN, 0, newest)
    :: work_version[a] == NONE && has(a, 1) -> work_version[a] = newest; work_slot[a] = 1; tell(a, ASSIGN, 1, newest)
    :: settled[a] && (filler[depot[a]] == a || filler[depot[a]] == NONE) -> fill(a)
    :: else
    fi
  fi
}

proctype Learner() {
  mtype:reply reply;
  byte a, o, d, e, s, x;
  bool needed, there;
  do
  :: atomic { newest + 1 < VERSIONS -> newest++ }
  :: atomic { select(a : 0 .. ACTORS - 1); if :: len(up[a]) && room(a) -> hear(a) :: else fi; a = 0 }
  :: atomic { select(a : 0 .. ACTORS - 1); if :: live[a] && room(a) -> courier_next(a) :: else fi; a = 0 }
  :: atomic { select(a : 0 .. ACTORS - 1); if :: live[a] && suspicions -> suspicions--; leave(a) :: else fi; a = 0 }
  od
}

/* Works on with what it has until it hears that it is to rejoin; each of its steps can come late. */
proctype Actor(byte a) {
  mtype:message type;
  byte e, x, v, mine, memory_of = NONE, used = NONE, wants = NONE;
  up[a]!HELLO, 0, 0;
  do
  :: atomic {
    len(down[a]) && len(up[a]) < 3 ->
      down[a]?type, e, x, v;
      if
      :: type == WELCOME -> mine = e; memory_of = x; up[a]!HERE, mine, 0
      :: else ->
        if
        :: mine && e == mine ->
          if
          :: type == BEGIN -> assert(used != x); memory[at(memory_of, x)] = TORN
          :: type == PIECE -> memory[at(memory_of, x)] = v
          :: type == END -> up[a]!TAKEN, mine, x
          :: type == ASSIGN -> used = x; wants = v
          :: type == REJOIN -> used = NONE; wants = NONE; mine = 0; up[a]!HELLO, 0, 0
          fi
        :: else
        fi
      fi;
      type = 0; e = 0; x = 0; v = 0
  }
  :: atomic { /* the chunk is done: right weights, if its result is going to be taken */
    mine && used != NONE && len(up[a]) < 3 ->
      if :: live[a] && mine == epoch[a] -> assert(memory[at(memory_of, used)] == wants) :: else fi;
      up[a]!RESULT, mine, wants; used = NONE; wants = NONE
  }
  od
}

init {
  atomic {
    byte i;
    select(suspicions : 0 .. SUSPICIONS);
    for (i : 0 .. ACTORS - 1) { run Actor(i) }
    run Learner()
  }
}
