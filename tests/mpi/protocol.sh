#!/bin/sh
# The protocol's promises under mpirun: one digest for any number of actors, and for actors that die, stop, dawdle or
# talk nonsense; a learner that dies is noticed. Nothing may hang.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/mpi/ranks.inc
. tests/mpi/ranks.inc
program=$BUILD/tests/mpi/protocol_test
[ -x "$program" ] || { echo "no $program: make check-mpi builds it" >&2; exit 1; }
failed=0

# expect NAME LIMIT RANKS PATTERN [OPTIONS]: the run ends in time with the digest of its lag, and its log has PATTERN
expect() {
  name=$1 seconds=$2 ranks=$3 pattern=$4
  shift 4
  run_ranks "$seconds" "$ranks" "$scratch/log" "$program" "$@"
  status=$?
  digest=$(sed -n 's/^digest \([0-9a-f]*\) code 0.*/\1/p' "$scratch/log")
  case " $* " in *" --lag 2 "*) wanted=$digest2 ;; *) wanted=$digest0 ;; esac
  if [ $status = 124 ] || [ $status = 137 ]; then why="did not end within $seconds s"
  elif [ -z "$digest" ]; then why="no digest"
  elif [ -n "$wanted" ] && [ "$digest" != "$wanted" ]; then why="digest $digest; expected $wanted"
  elif ! grep -q "$pattern" "$scratch/log"; then why="log lacks '$pattern'"
  else why=""
  fi
  verdict "$name" "$why"
}

expect "1 actor" 60 2 '^finalized'
digest0=$digest
expect "2 actors" 60 3 '^finalized'
expect "3 actors" 60 4 '^finalized'
expect "5 actors" 60 6 '^finalized'
expect "1 actor, lag 2" 60 2 '^finalized' --lag 2
digest2=$digest
expect "3 actors, lag 2" 60 4 '^finalized' --lag 2
expect "3 actors of another machine" 60 4 '^finalized' --distant
expect "3 actors of another machine, lag 2" 60 4 '^finalized' --distant --lag 2
[ "$digest0" != "$digest2" ] || { echo "  FAILED: lag changes nothing"; failed=1; }
extra=$eager
expect "3 actors, messages below the eager limit" 60 4 '^finalized'
[ "$recovery" = no ] || {
  extra="$eager --mca btl self,tcp --mca btl_tcp_if_include lo"
  expect "3 actors, tcp" 60 4 '^finalized'
  extra=$eager
}
expect "a late joiner" 60 4 'joined 2' --2:late
expect "another BLAS kernel is warned of" 60 3 'BLAS kernel other' --2:kernel
expect "an actor that cannot share memory has its own" 60 4 'cannot be shared' --2:alone --3:second
expect "an actor of another machine that cannot share memory" 60 4 'cannot be shared' --distant --2:alone --3:second
expect "a slow actor's chunk goes to another" 60 3 'late [1-9]' --1:slow=2
expect "a stopped learner buries nobody" 60 4 'lost 0 ' --0:stop=2
if [ "$recovery" = yes ]; then
  for lagged in 0 2; do
    expect "an actor dies in mid-chunk, lag $lagged" 60 4 'lost [1-9].* reassigned [1-9]' --2:die=3 --lag $lagged
    expect "one of another machine does, lag $lagged" 60 4 'lost [1-9].* reassigned [1-9]' --distant --2:die=3 --lag $lagged
  done
  expect "two of three actors die" 60 4 'lost [2-9]' --2:die=1 --3:die=5
  extra="$eager --mca btl self,tcp --mca btl_tcp_if_include lo"
  expect "an actor dies in mid-chunk, tcp" 60 4 'lost [1-9].* reassigned [1-9]' --2:die=3
  extra=$eager
  expect "a stopped actor is given up and comes back" 60 2 'lost [1-9]' --1:stop=2
  expect "one of another machine does" 60 2 'lost [1-9]' --distant --1:stop=2
  expect "a silent actor is given up and comes back" 60 2 'lost [1-9]' --1:silent=2
  for lagged in 0 2; do
    expect "who takes weights in for others dies, lag $lagged" 60 4 'weights are gone' --distant --1:fill=5 --2:second --3:second --lag $lagged
    expect "who takes weights in for others stops and comes back, lag $lagged" 60 4 'weights are gone' --distant --1:pause=5 --2:second \
      --3:second --lag $lagged
  done
  for fault in garbage tag oversize flip foreign nan infinite group; do
    expect "an actor sends nonsense: $fault" 60 4 'rank 2 broke the protocol' --2:$fault=2
  done
  expect "an actor speaks before HELLO" 60 4 'rank 2 broke the protocol' --2:early
  expect "an actor meets a bug" 60 4 'lost [1-9].* reassigned [1-9]' --2:bug=3
  expect "an actor runs out of memory" 60 4 'lost [1-9].* reassigned [1-9]' --2:memory=3
  expect "an actor with another configuration is refused" 60 4 'actor 2.*is refused' --2:mismatch
  for fault in die bug; do
    run_ranks 60 4 "$scratch/log" "$program" --0:$fault=3
    status=$?
    if [ $status != 124 ] && [ $status != 137 ] &&
      [ "$(grep -c "learner's process has ended" "$scratch/log")" = 3 ]; then
      echo "  ok the learner ends: $fault"
    else
      echo "  FAILED the learner ends: $fault, status $status"
      sed 's/^/    /' "$scratch/log" | tail -40
      failed=1
    fi
  done
else
  echo "  not run: deaths of ranks (this MPI has no --enable-recovery)"
fi
run_ranks 60 2 "$scratch/log" "$program" --0:dismiss
if [ $? = 0 ] && grep -q 'goodbye heard' "$scratch/log"; then
  echo "  ok STOP before WELCOME is answered by GOODBYE"
else
  echo "  FAILED STOP before WELCOME is answered by GOODBYE"
  sed 's/^/    /' "$scratch/log" | tail -40
  failed=1
fi
# without recovery a bug anywhere ends the job
launch=${launch% --enable-recovery*}
for rank in 0 2; do
  run_ranks 60 4 "$scratch/log" "$program" --$rank:bug=2
  status=$?
  if [ $status != 124 ] && [ $status != 137 ] && [ $status != 0 ] && grep -q 'bug: .*CHECK(no bug)' "$scratch/log"; then
    echo "  ok a bug in rank $rank ends the job"
  else
    echo "  FAILED a bug in rank $rank ends the job: status $status"
    sed 's/^/    /' "$scratch/log" | tail -40
    failed=1
  fi
done
exit $failed
