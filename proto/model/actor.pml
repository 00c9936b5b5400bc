/* An actor, as ledger.pml has it: joins, works, answers; is killed, leaves, or is told to stop. */
#ifdef SURVIVOR
ltl served { <> (finished && !failed) } /* by then every chunk is TAKEN, as the learner asserts */
#endif
#ifdef BEATS
#define beat_matters(a) ((state[a] == LOST && !rejoin_said[a]) || (!len(work[a]) && !len(down[a])))
#else
#define beat_matters(a) (state[a] == LOST && !rejoin_said[a])
#endif

inline end(a) {
  drop_works(work[a]); drop_messages(down[a]); over[a] = true;
  type = 0; e = 0; c = 0; v = 0; mine = 0;
  goto ended
}

inline rejoin(a) {
#ifndef BUG_KEEP_WORK
  drop_works(work[a]);
#endif
  up[a]!HELLO, 0, 0, 0;
  if
  :: true
  :: for (c : 0 .. TOTAL - 1) { if :: up[a]!RESULT, mine, c, version[c]; break :: true fi } /* of its old epoch */
  fi;
  mine = 0
}

proctype Actor(byte a) {
  mtype:message type;
  byte e, c, v, mine; /* mine: its epoch, 0 while it joins */
  up[a]!HELLO, 0, 0, 0;
  do
  :: atomic {
    len(down[a]) ->
      down[a]?type, e, c, v;
      if
      :: type == WELCOME && !mine -> mine = e
      :: type == ASSIGN && mine && e == mine -> assert(nfull(work[a])); work[a]!c, v
      :: type == REJOIN && mine && e == mine -> rejoin(a)
      :: type == STOP ->
#ifdef BUG_LEAVE_SILENTLY
        if :: mine -> up[a]!GOODBYE, mine, 0, 0 :: else fi;
#else
        up[a]!GOODBYE, mine, 0, 0;
#endif
        end(a)
      :: else
      fi;
      type = 0; e = 0; c = 0; v = 0
  }
  :: atomic { mine && len(work[a]) && len(up[a]) < 2 -> work[a]?c, v; up[a]!RESULT, mine, c, v; c = 0; v = 0 }
  :: atomic { mine && !len(up[a]) && beat_matters(a) -> up[a]!HEARTBEAT, mine, 0, 0 }
  :: atomic { (mortal & (1 << a)) -> killed[a] = true; end(a) }
  :: atomic { (mortal & (1 << a)) && mine && !closing && len(up[a]) < 3 -> up[a]!GOODBYE, mine, 0, 0; end(a) }
  od;
ended:
  skip
}
