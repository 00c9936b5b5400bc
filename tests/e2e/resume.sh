#!/bin/sh
# A run killed by SIGKILL in the middle of stage 2 and started again, with another number of actors, ends with the weights
# of a run that was never killed; so does one that was stopped by SIGTERM, and stage 1 killed between epochs.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
sets="--set policy.iterations=8"

troupe train "$work/tiny.yaml" --set policy.images_per_iteration=1000 --set run.dir="$work/none" >&2
[ $? = 2 ] || fail "more images an iteration than there are did not exit 2"
[ ! -e "$work/none" ] || fail "a refused run left a folder"

# shellcheck disable=SC2034 # for wait_for
wait_s=30
troupe train "$work/tiny.yaml" -n 2 $sets --set run.dir="$work/whole" >&2 || fail "the unbroken run"
whole=$(hash_of "$work/whole") || exit 1

setsid troupe train "$work/tiny.yaml" -n 2 $sets --set run.dir="$work/killed" >&2 &
launcher=$!
wait_for_iteration "$work/killed" 3
pid=$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/killed/status.json")
kill -STOP "$pid" # the learner: so that the run is not over before the kill
troupe train "$work/tiny.yaml" -n 1 $sets --set run.dir="$work/killed" >&2
[ $? = 2 ] || fail "a second learner in the same folder did not exit 2"
kill -0 "$launcher" || fail "a second learner in the same folder ended the first run"
kill -KILL "$pid"
wait "$launcher" && fail "a killed run said that it succeeded"
grep -q '"phase": "finished"' "$work/killed/status.json" && fail "the run was over before the kill"
grep -q '"phase": "failed"' "$work/killed/status.json" || fail "status.json of a killed run does not say that it failed"
troupe train "$work/tiny.yaml" -n 3 $sets --set run.dir="$work/killed" >&2 || fail "resuming the killed run"
hash=$(hash_of "$work/killed") || exit 1
[ "$hash" = "$whole" ] || fail "killed and resumed: $hash, unbroken: $whole"
[ "$(grep -c . "$work/killed/metrics.jsonl")" = 9 ] || fail "metrics.jsonl has lines twice or too few"

troupe train "$work/tiny.yaml" -n 2 $sets --set run.dir="$work/stopped" >&2 &
launcher=$!
wait_for_iteration "$work/stopped" 2
kill -TERM "$launcher"
wait "$launcher" || fail "a run stopped by TERM did not exit 0"
grep -q '"phase": "stopped"' "$work/stopped/status.json" || fail "status.json does not say stopped"
troupe train "$work/tiny.yaml" -n 1 $sets --set run.dir="$work/stopped" >&2 || fail "resuming the stopped run"
hash=$(hash_of "$work/stopped") || exit 1
[ "$hash" = "$whole" ] || fail "stopped and resumed: $hash, unbroken: $whole"
[ "$(grep -c . "$work/stopped/metrics.jsonl")" = 9 ] || fail "metrics.jsonl has lines twice or too few after a stop"

# a stop in the middle of a long update is answered at once; where no checkpoint is left, all lines come again
long="--set policy.iterations=1 --set policy.inner_epochs=64 --set run.dir=$work/long"
troupe train "$work/tiny.yaml" -n 1 $long --set evaluation.every=0 >&2 &
launcher=$!
for _ in $(seq 600); do grep -q '"running"' "$work/long/status.json" 2>/dev/null && break; sleep 0.05; done
sleep 1
kill -TERM "$launcher"
wait "$launcher" || fail "a run stopped in its update did not exit 0"
grep -q '"iteration": 0' "$work/long/status.json" || echo "note: the update was over before the stop" >&2
troupe train "$work/tiny.yaml" -n 1 $long --set evaluation.every=0 >&2 || fail "resuming the run stopped in its update"
hash=$(hash_of "$work/long") || exit 1
rm -rf "$work/long"
troupe train "$work/tiny.yaml" -n 1 $long --set evaluation.every=0 >&2 || fail "the same run, whole"
[ "$hash" = "$(hash_of "$work/long")" ] || fail "stopped in the update and resumed: other weights"
rm "$work"/long/checkpoints/*
troupe train "$work/tiny.yaml" -n 1 $long --set evaluation.every=0 >&2 || fail "the same folder without checkpoints"
[ "$(grep -c . "$work/long/metrics.jsonl")" = 1 ] || fail "lines of a start without checkpoint were not dropped"

troupe pretrain "$work/tiny.yaml" --set pretrain.epochs=4 --set run.dir="$work/pre" >&2 || fail "stage 1"
whole=$(hash_of "$work/pre") || exit 1
troupe pretrain "$work/tiny.yaml" --set pretrain.epochs=4 --set run.dir="$work/pre2" >&2 &
learner=$!
for _ in $(seq 600); do [ -s "$work/pre2/metrics.jsonl" ] && break; sleep 0.02; done
kill -KILL "$learner"
wait "$learner"
troupe pretrain "$work/tiny.yaml" --set pretrain.epochs=4 --set run.dir="$work/pre2" >&2 || fail "resuming stage 1"
hash=$(hash_of "$work/pre2") || exit 1
[ "$hash" = "$whole" ] || fail "stage 1 killed and resumed: $hash, unbroken: $whole"
