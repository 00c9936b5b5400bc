#!/bin/sh
# Actors that join a run that goes on (actors.joinable, troupe join): the same weights as without them, when one of them is killed
# and when some leave, too; and what is said where none can join.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/tiny.sh"
cd "${work:?}" || exit 1
tiny_data
run=$work/joined
refuses() { # PATTERN COMMAND...: exit code 2, and says so
  pattern=$1; shift
  "$@" >out 2>err
  [ $? = 2 ] && grep -q "$pattern" err || fail "$*: exit code 2 and '$pattern' were expected: $(cat err)"
}
train() { troupe train tiny.yaml -n 1 --set policy.iterations=400 --set checkpoint.every=100 --set evaluation.every=100 "$@"; }
number() { sed -n "s/.*actor $1 joined (.*, pid \([0-9]*\)).*/\1/p" log; } # RANK: its pid

refuses 'status.json' troupe join nowhere
case $(mpirun --version 2>&1) in
  *'(Open MPI) 4'*) ;;
  *)
    refuses 'Open MPI 4.1 was expected' train --set run.dir="$run" --set actors.joinable=true
    echo 'this MPI lets no process into a run that goes on, and troupe says so'
    exit 0 ;;
esac

train --set run.dir="$work/alone" >&2 || fail "training alone"
hash=$(hash_of "$work/alone") || exit 1
refuses 'is over (finished)' troupe join "$work/alone"
[ ! -e "$work/alone/door" ] || fail "a run without actors.joinable has a door"

train --set actors.joinable=true --set actors.timeout_s=5 --set run.dir="$run" >log 2>&1 &
launcher=$!
wait_for_iteration "$run" 1
troupe join "$run" -n 2 >guests 2>&1 &
guests=$!
wait_for 'actor 3 joined' log
troupe-actor --join "$run" >third 2>&1 & # without an mpirun
third=$!
wait_for 'actor 4 joined' log
troupe join "$run" -n 1 >fourth 2>&1 &
fourth=$!
wait_for 'actor 5 joined' log
kill -TERM $third
wait $third || fail "an actor that was told to leave: exit code $?: $(cat third)"
wait_for 'actor 4 leaves: told to leave' log
kill -TERM $fourth
wait $fourth || fail "troupe join that was told to leave: exit code $?: $(cat fourth)"
wait_for 'actor 5 leaves: told to leave' log
kill -KILL "$(number 2)"
wait_for 'actor 2 is lost' log
kill -KILL "$(number 1)" # the run is now by those alone who joined it
wait_for 'actor 1 is lost' log
[ "$(grep -c '"iteration":400[,}]' "$run/metrics.jsonl")" = 0 ] || fail "the run was over before all had come and gone"
wait $launcher || fail "exit code $?: $(grep -v iteration log)"
wait $guests || fail "troupe join: exit code $?: $(cat guests)"
joined=$(hash_of "$run") || exit 1
grep -q '"lost": 2' "$run/status.json" || fail "two were killed: $(cat "$run/status.json")"
[ "$joined" = "$hash" ] || fail "with actors that joined $joined, without $hash"
[ ! -e "$run/door/port" ] && [ ! -e "$run/door/server" ] || fail "a door is left: $(ls "$run/door")"
for program in ompi-server troupe-actor; do
  pgrep -f "$program.*$run" >/dev/null && fail "$program goes on: $(pgrep -af "$program.*$run")"
done

# a learner without an ompi-server goes on, whoever knocks
mpirun --oversubscribe --enable-recovery -np 1 troupe-learner tiny.yaml --set run.dir="$work/bare" --set actors.joinable=true \
  --set policy.iterations=100 : -np 1 troupe-actor tiny.yaml --set run.dir="$work/bare" --set actors.joinable=true \
  --set policy.iterations=100 >bare.log 2>&1 &
learner=$!
wait_for_iteration "$work/bare" 1
: >"$work/bare/door/knock"
wait $learner
[ ! -e "$work/bare/door/knock" ] || fail "nobody heard the knock: $(cat bare.log)"
hash_of "$work/bare" >&2 || fail "a joinable run without a server: $(cat bare.log)"
echo "actors joined, left and were killed: the same weights"
