#!/bin/sh
# Several learner ranks (learner.ranks). Both stages: after 10 steps and more the weights are those of one rank to 1e-5, and the
# same bits for the same number of ranks with any number of actors. A stopped run goes on to the same bits, or with another number
# of ranks. A learner rank that is killed ends the run, which then resumes. Wrong numbers and orders of ranks are errors.
set -u
BUILD=${BUILD:-build}
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/tiny.sh"
tiny_data
[ "$(id -u)" != 0 ] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# A gradient that is 0 but for rounding (of the keys' bias) would move a weight by its whole rate; so much eps hides it.
eps="--set optimizer.eps=1e-6 --set pretrain.optimizer.eps=1e-6"
common="--set learner.threads=1 --set evaluation.every=0 $eps"

run() { # VERB NAME [OPTIONS]: the hash of its weights
  verb=$1 name=$2
  shift 2
  # shellcheck disable=SC2086
  troupe "$verb" "${work:?}/tiny.yaml" $common --set run.dir="$work/$name" "$@" >&2 || fail "$verb $name"
  hash_of "$work/$name"
}

near() { # A B: the weights of two runs
  "$BUILD/tests/mpi/weights_near" "$work/$1/checkpoints/latest" "$work/$2/checkpoints/latest" 1e-5 >&2 ||
    fail "the weights of $1 and $2 differ"
}

profiled() { # ROLE LOG: the lead tells of both ranks, the slower and the faster, and the other says nothing
  for line in 'learners  *calls' 'backward .* ([01]) .* ([01])$'; do
    grep -q "^$1: $line" "$2" || { cat "$2" >&2 && fail "no profile of the learner ranks"; }
  done
  ! grep -q '^learner 1: event' "$2" || fail "rank 1 prints a profile of its own"
}

# minibatches of 8 images and a last one of 1, which leaves ranks without any
stage_2="--set policy.iterations=2 --set policy.images_per_iteration=33 --set policy.inner_epochs=1"
mixed="--set policy.dropout=0.1 --set policy.image_dropout=0.1 --set policy.xe=0.2 --set actors.lag=1 --set model.enc_layers=1
  --set optimizer.clip_norm=0.1 --set optimizer.head_scale=2 --set model.tied=true --set policy.entropy=0.01"
stage_1="--set pretrain.label_smoothing=0.1 --set model.image_dropout=0.1 --set model.enc_layers=1"
compare() { # NAME VERB [OPTIONS]: 1, 2 and 3 ranks
  name=$1 verb=$2
  shift 2
  one=$(run "$verb" "$name-1" "$@") || exit 1
  for ranks in 2 3; do
    hash=$(run "$verb" "$name-$ranks" --set learner.ranks=$ranks "$@") || exit 1
    near "$name-$ranks" "$name-1"
    [ "$hash" != "$one" ] || fail "$name: $ranks ranks gave the very bits of one: they shared nothing"
  done
}
# shellcheck disable=SC2086
{
  compare plain train -n 1 $stage_2
  compare mixed train -n 1 $stage_2 $mixed
  compare first pretrain $stage_1
  hash=$(run train plain-again -n 3 --set learner.ranks=2 $stage_2 --profile 2>"$work/plain.log") || exit 1
  profiled learner "$work/plain.log"
  [ "$hash" = "$(hash_of "$work/plain-2")" ] || fail "2 ranks gave other bits with 3 actors than with 1"
  hash=$(run pretrain first-again --set learner.ranks=2 $stage_1 --profile 2>"$work/first.log") || exit 1
  profiled "troupe pretrain" "$work/first.log"
  [ "$hash" = "$(hash_of "$work/first-2")" ] || fail "stage 1: 2 ranks gave other bits the second time"
}

# shellcheck disable=SC2034 # for wait_for
wait_s=24
start() { # VERB NAME [OPTIONS]: in the background, $launcher, its log beside its folder
  verb=$1 name=$2
  shift 2
  # shellcheck disable=SC2086
  setsid troupe "$verb" "$work/tiny.yaml" $common --set run.dir="$work/$name" --set learner.ranks=2 "$@" >"$work/$name.log" 2>&1 &
  launcher=$!
}
kill_rank_1() { # NAME
  pid=$(sed -n 's/.*learner rank 1 joined (.*, pid \([0-9]*\)).*/\1/p' "$work/$1.log")
  [ -n "$pid" ] || fail "no rank 1: $(cat "$work/$1.log")"
  kill -KILL "$pid"
  wait "$launcher"
  status=$?
  [ $status = 1 ] || fail "$1, with a learner rank killed, exited with $status: $(cat "$work/$1.log")"
  grep -q '"message": ".*learner rank 1 is lost: ' "$work/$1/status.json" || fail "$1: $(cat "$work/$1/status.json")"
}

long="--set policy.iterations=10"
# shellcheck disable=SC2086
{
  whole=$(run train whole -n 1 --set learner.ranks=2 $long) || exit 1
  start train killed -n 2 $long
  wait_for '"iteration":3,' "$work/killed/metrics.jsonl"
  kill_rank_1 killed
  hash=$(run train killed -n 1 --set learner.ranks=2 $long) || exit 1
  [ "$hash" = "$whole" ] || fail "killed and resumed: $hash, unbroken: $whole"
}
# shellcheck disable=SC2086
{ # in the middle of an update: what all ranks have goes back to the boundary. At so many steps of a higher rate, rounding
  # decides what is clipped, and the weights of other numbers of ranks part.
  update="--set policy.iterations=2 --set policy.inner_epochs=48 --set optimizer.lr=1e-5"
  start train stopped -n 1 $update
  wait_for '"iteration":1,' "$work/stopped/metrics.jsonl"
  sleep 0.3
  kill -TERM "$launcher"
  wait "$launcher" || fail "a stopped run did not exit 0: $(cat "$work/stopped.log")"
  grep -q '"phase": "stopped"' "$work/stopped/status.json" || echo "note: the run was over before the stop" >&2
  cp -R "$work/stopped" "$work/fewer"
  hash=$(run train stopped -n 1 --set learner.ranks=2 $update) || exit 1
  [ "$hash" = "$(run train unstopped -n 1 --set learner.ranks=2 $update)" ] || fail "stopped and resumed: other weights"
  run train fewer -n 1 $update 2>"$work/fewer.log" >/dev/null || fail "$(cat "$work/fewer.log")"
  near fewer stopped
  grep -q '"phase": "stopped"' "$work/stopped/status.json" ||
    grep -q 'learner.ranks was 2 and is now 1: .*rounding' "$work/fewer.log" || fail "no word of another number of ranks"
}
# shellcheck disable=SC2086
{
  epochs="--set pretrain.epochs=60 --set checkpoint.keep=1"
  whole=$(run pretrain whole-1 --set learner.ranks=2 $epochs) || exit 1
  start pretrain killed-1 $epochs
  wait_for '"epoch":2,' "$work/killed-1/metrics.jsonl"
  kill_rank_1 killed-1
  hash=$(run pretrain killed-1 --set learner.ranks=2 $epochs) || exit 1
  [ "$hash" = "$whole" ] || fail "stage 1, killed and resumed: $hash, unbroken: $whole"
}

refused() { # PATTERN COMMAND...
  pattern=$1
  shift
  expect 2 "$@"
  says "$pattern"
}
config="$work/tiny.yaml --set run.dir=$work/refused"
# shellcheck disable=SC2086
{
  refused 'learner.ranks 9 is above policy.minibatch_images 8' troupe train $config -n 1 --set learner.ranks=9
  refused 'learner.ranks 9 is above pretrain.batch_images 8' troupe pretrain $config --set learner.ranks=9
  refused 'the ranks are 1 learner, 2 actors.*expected with learner.ranks 2: mpirun -np 2 troupe-learner CONFIG : -np N troupe-actor' \
    mpirun --oversubscribe -np 1 troupe-learner $config --set learner.ranks=2 : -np 2 troupe-actor $config --set learner.ranks=2
  refused 'the ranks are 1 actor, 2 learners' \
    mpirun --oversubscribe -np 1 troupe-actor $config --set learner.ranks=2 : -np 2 troupe-learner $config --set learner.ranks=2
  refused 'the ranks are 2 learners, 1 actor.*with learner.ranks 1' \
    mpirun --oversubscribe -np 2 troupe-learner $config : -np 1 troupe-actor $config
}
