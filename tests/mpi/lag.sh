#!/bin/sh
# Overlapped rollouts. actors.lag 1 and 2: the same weights for any number of actors and threads, when an actor is killed, and
# when the learner is killed and the run resumed; rollouts are there before the learner waits for them. actors.max_lag: a run
# ends, and no rollout is older than it says.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/tiny.sh"
tiny_data

train() { # NAME ACTORS THREADS [--set ...]
  name=$1 actors=$2 threads=$3
  shift 3
  troupe train "${work:?}/tiny.yaml" -n "$actors" --set policy.iterations=12 --set run.dir="$work/$name" \
    --set learner.threads="$threads" "$@" >&2 || fail "training $name"
  hash_of "$work/$name"
}

# The values of a field of metrics.jsonl, one a line.
values() { sed -n "s|.*\"$2\":\([-0-9.e]*\).*|\1|p" "$work/$1/metrics.jsonl"; }

best_of() { troupe inspect "$work/$1/checkpoints/best.h5" | sed -n 's/^weights_hash *//p'; }

# The second run evaluated what the first did, to the same figures and the same best policy.
same_evaluations() { # RUN RUN
  [ "$(values "$1" eval/CIDEr)" = "$(values "$2" eval/CIDEr)" ] ||
    fail "$1 has the evaluations $(values "$1" eval/CIDEr | xargs), $2 $(values "$2" eval/CIDEr | xargs)"
  [ -n "$(best_of "$1")" ] && [ "$(best_of "$1")" = "$(best_of "$2")" ] || fail "best.h5 of $1 and $2 differ"
}

on_policy=$(train lag0 2 1) || exit 1
[ "$(values lag0 version_lag/mean | sort -u)" = 0.0 ] || fail "at lag 0 the mean lag is not 0"
for lag in 1 2; do
  sets="--set actors.lag=$lag"
  first=$(train lag$lag 1 1 $sets) || exit 1
  [ "$first" != "$on_policy" ] || fail "lag $lag gave the weights of lag 0"
  actors=$((4 - lag)) # the runs that are killed, below, have 3, 2 and 3
  hash=$(train "lag$lag-$actors" $actors 2 $sets) || exit 1
  [ "$hash" = "$first" ] || fail "lag $lag: $actors actors and 2 threads gave $hash, 1 actor and 1 thread $first"
  same_evaluations lag$lag "lag$lag-$actors"
  # an evaluation goes on during the next iteration's update: its line comes between the two iterations'
  [ "$(sed -n 's/^{"iteration":\([0-9]*\).*/\1/p' "$work/lag$lag/metrics.jsonl" | xargs)" = "0 1 2 2 3 4 4 5 6 6 7 8 8 9 10 10 11 12" ] ||
    fail "lag $lag: lines are not in order"
  # iteration k, counted from 1, is learned from with lag min(k - 1, lag)
  want=$(awk -v lag=$lag 'BEGIN { for (k = 0; k < 12; k++) print (k < lag ? k : lag) ".0" }')
  [ "$(values lag$lag version_lag/mean)" = "$want" ] || fail "lag $lag: version_lag/mean is not what was asked for"
  values lag$lag rollouts/ready_frac | awk '$1 > 0 { n++ } END { exit !(n > 0) }' ||
    fail "lag $lag: no rollout was made during an update"

  # an actor killed in the middle
  setsid troupe train "$work/tiny.yaml" -n 3 $sets --set policy.iterations=12 --set run.dir="$work/actor$lag" \
    >"$work/actor$lag.log" 2>&1 &
  launcher=$!
  wait_for_iteration "$work/actor$lag" 2
  actor=$(sed -n 's/.* joined (.*, pid \([0-9]*\)).*/\1/p' "$work/actor$lag.log" | head -1)
  [ -n "$actor" ] || fail "no actor was found: $(cat "$work/actor$lag.log")"
  kill -KILL "$actor"
  wait "$launcher" || fail "lag $lag: the run with a killed actor failed: $(cat "$work/actor$lag.log")"
  grep -q '"lost": 1' "$work/actor$lag/status.json" || echo "note: the run was over before the loss was noticed" >&2
  hash=$(hash_of "$work/actor$lag") || exit 1
  [ "$hash" = "$first" ] || fail "lag $lag: with a killed actor $hash, unbroken $first"

  # the learner killed, and the run resumed with another number of actors
  setsid troupe train "$work/tiny.yaml" -n 2 $sets --set policy.iterations=12 --set run.dir="$work/learner$lag" >&2 &
  launcher=$!
  wait_for_iteration "$work/learner$lag" 3
  kill -KILL "$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/learner$lag/status.json")"
  wait "$launcher" && fail "lag $lag: a killed run said that it succeeded"
  hash=$(train learner$lag 3 1 $sets) || exit 1
  [ "$hash" = "$first" ] || fail "lag $lag: killed and resumed $hash, unbroken $first"
  same_evaluations lag$lag learner$lag
done

# as they come
for off_policy in decoupled none; do
  train "max2$off_policy" 3 1 --set actors.max_lag=2 --set policy.off_policy=$off_policy >/dev/null || exit 1
  [ "$(grep -c '"reward"' "$work/max2$off_policy/metrics.jsonl")" = 12 ] || fail "max_lag: not one line an iteration"
  [ "$(values "max2$off_policy" eval/CIDEr | grep -c .)" = 7 ] || fail "max_lag: not an evaluation every 2 iterations"
  values "max2$off_policy" version_lag/max | awk '$1 > 2 { exit 1 }' || fail "max_lag 2: a rollout was older"
done
troupe train "$work/tiny.yaml" -n 1 --set actors.max_lag=1 --set actors.lag=1 --set run.dir="$work/both" >&2
[ $? = 2 ] || fail "both kinds of lag did not exit 2"
