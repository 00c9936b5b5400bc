#!/bin/sh
# Kills, stops, slows and corrupts parts of real runs, TRIALS times a fault at instants drawn by SEED, and compares what comes
# out with an undisturbed run: tests/chaos/chaos.sh [FAULT...]. A table, and a JSON line {fault, trials, lost, wrong, hung} a
# fault in $BUILD/chaos.jsonl:
#   lost   the run does not end as promised, or what was computed before is gone: it could not resume, or began anew
#   wrong  it ends with other weights than the undisturbed run
#   hung   it neither ends nor goes on within $LIMIT seconds
# A trial that fails leaves its folder in $BUILD/chaos/. By environment: TRIALS (20) SEED (1) LIMIT (120).
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}" "${TRIALS:=20}" "${SEED:=1}" "${LIMIT:=120}"
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
PATH=$BUILD/bin:$PATH
export BUILD OMP_WAIT_POLICY=passive
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
# shellcheck source=tests/mpi/tiny.sh
. tests/mpi/tiny.sh
# shellcheck source=tests/chaos/faults.inc
. tests/chaos/faults.inc
kept=$BUILD/chaos out=$BUILD/chaos.jsonl
rm -rf "$kept" && mkdir -p "$kept"

# Numbers that depend on SEED alone: `draw N` sets $drawn in [0, N).
state=$SEED
draw() {
  state=$(((state * 1103515245 + 12345) & 0x7fffffff))
  drawn=$(((state >> 8) % $1))
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }
nap_ms() { sleep "$(($1 / 1000)).$(printf %03d $(($1 % 1000)))"; }

# --- a run --------------------------------------------------------------------------------------------------------

options="--set policy.iterations=6 --set actors.lag=1 --set policy.off_policy=decoupled --set checkpoint.keep=3
  --set actors.heartbeat_s=0.1 --set actors.timeout_s=2 --set actors.start_timeout_s=30 --set learner.threads=1"

begin() { # ACTORS [OPTION...]: starts the trial's run
  actors=$1
  shift
  # shellcheck disable=SC2086 # options is a list of words
  setsid timeout -k 5 "$LIMIT" troupe train "$work/tiny.yaml" -n "$actors" $options --set run.dir="$run" "$@" \
    >>"$run.log" 2>&1 </dev/null &
  launcher=$!
}

end() { # sets $code; 124 and 137: it hung
  wait "$launcher" 2>/dev/null
  code=$?
}

phase() { sed -n 's/.*"phase": "\([a-z]*\)".*/\1/p' "$run/status.json" 2>/dev/null; }
learner_pid() { sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$run/status.json" 2>/dev/null; }
actor_pids() { pgrep -f "^[^ ]*troupe-actor .*run\.dir=$run( |\$)"; }
wait_for_phase() { # PHASE
  for _ in $(seq 3000); do
    [ "$(phase)" = "$1" ] && return 0
    kill -0 "$launcher" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}
# An instant of the run, drawn: after that $instant milliseconds since it started to train. False: it was over before.
reach_instant() {
  wait_for_phase running || return 1
  draw "$span_ms"
  instant=$drawn
  nap_ms "$instant"
  kill -0 "$launcher" 2>/dev/null
}

newest() { find "$run/checkpoints" -name '0*.h5' | sort | tail -n "$1" | head -n 1; } # the N-th newest

# Waits until no process of this trial is left; false: some are.
all_gone() {
  for _ in $(seq $((LIMIT * 10))); do
    pgrep -f "run\.dir=$run( |\$)" >/dev/null || { flock -w "$LIMIT" "$run/lock" true; return; } # a dying one holds it still
    sleep 0.1
  done
  return 1
}

# Everything of this trial is ended, whatever is left of it.
sweep() { pkill -KILL -f "(run\.dir=|join )$run( |\$)" 2>/dev/null; }

lines() { grep -c . "$run/metrics.jsonl"; }

# What became of a run that should have finished: sets $verdict.
judge() {
  if [ "$code" = 124 ] || [ "$code" = 137 ]; then verdict=hung
  elif [ "$(phase)" != finished ] || [ "$code" != 0 ]; then verdict=lost
  elif [ "$(lines)" != "$whole_lines" ]; then verdict=lost
  elif [ "$(hash_of "$run")" != "$whole" ]; then verdict=wrong
  else verdict=ok
  fi
}

# The same command again, with another number of actors. It has to go on from the iteration that status.json told of, or from
# at most BACK before.
resume() { # BACK
  reached=$(sed -n 's/.*"iteration": \([0-9]*\).*/\1/p' "$run/status.json" 2>/dev/null)
  draw 3
  begin $((drawn + 1))
  end
  judge
  from=$(sed -n 's/.*stage 2: iterations \([0-9]*\) to.*/\1/p; s/.*stage 2: all \([0-9]*\) iterations are done.*/\1/p' "$run.log" | tail -n 1)
  [ $verdict != ok ] || [ "${reached:-0}" = 6 ] || [ "${from:-0}" -gt $((${reached:-0} - $1)) ] || verdict=lost
}

# --- counting -----------------------------------------------------------------------------------------------------

fault() { # NAME FUNCTION TRIALS
  [ -z "$wanted" ] || case " $wanted " in *" $2 "*) ;; *) return 0 ;; esac
  lost=0 wrong=0 hung=0 trials=0
  for trial in $(seq $(($3 * 3))); do # some instants come after the run's end
    [ $trials -lt "$3" ] || break
    run=$work/run verdict=ok code=0 struck=no
    rm -rf "${run:?}" "$run.log" "$run.guests"
    "$2"
    sweep
    [ "$verdict" = ok ] && [ $struck = no ] && continue
    trials=$((trials + 1))
    case $verdict in
      lost) lost=$((lost + 1)) ;;
      wrong) wrong=$((wrong + 1)) ;;
      hung) hung=$((hung + 1)) ;;
    esac
    [ "$verdict" = ok ] || { mkdir -p "$kept/$2-$trial" && cp -r "$run" "$run.log" "$kept/$2-$trial/" 2>/dev/null; }
  done
  printf '%-52s %6d %6d %6d %6d\n' "$1" $trials $lost $wrong $hung
  printf '{"fault": "%s", "trials": %d, "lost": %d, "wrong": %d, "hung": %d}\n' "$1" $trials $lost $wrong $hung >>"$out"
  [ $trials = "$3" ] || fail "$1: only $trials of $3 trials were struck"
  failures=$((failures + lost + wrong + hung))
}

wanted=$* failures=0
tiny_data 2>/dev/null
run=$work/whole
began=$(now_ms)
begin 3
wait_for_phase running || fail "the undisturbed run did not start: $(tail -n 3 "$run.log")"
began=$(now_ms)
end
span_ms=$(($(now_ms) - began))
[ "$code" = 0 ] || fail "the undisturbed run: exit code $code: $(tail -n 3 "$run.log")"
whole=$(hash_of "$run") && whole_lines=$(lines) || exit 1
: >"$work/waits"
rm -f "$out"

printf '%-52s %6s %6s %6s %6s\n' fault trials lost wrong hung
faults
if [ -s "$work/waits" ]; then
  sort -n "$work/waits" | awk '{ at[NR] = $1 } END {
    printf "from an actor'"'"'s death until its chunks went to others: median %d ms, at most %d ms, %d deaths\n", at[int((NR + 1) / 2)], at[NR], NR }'
fi
[ $failures = 0 ] || fail "$failures trials failed; their folders are in $kept"
