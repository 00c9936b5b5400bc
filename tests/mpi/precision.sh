#!/bin/sh
# compute.precision bf16: the same bits for any number of actors and threads, others than float32's; before an iteration's
# first step the ratio is near 1; a run is not continued in another precision.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/tiny.sh"
tiny_data

train() { # NAME PRECISION ACTORS THREADS [--set ...]
  name=$1 precision=$2 actors=$3 threads=$4
  shift 4
  troupe train "$work/tiny.yaml" -n "$actors" --set run.dir="$work/$name" --set compute.precision="$precision" \
    --set learner.threads="$threads" "$@" >&2 || fail "training $name"
  hash_of "$work/$name"
}

largest() { # RUN METRIC
  sed -n "s#.*\"$2\":\([-+.e0-9]*\).*#\1#p" "$work/$1/metrics.jsonl" | sort -g | tail -1
}

below() { # WHAT VALUE LIMIT
  awk -v x="$2" -v limit="$3" 'BEGIN { exit !(x != "" && x >= 0 && x < limit) }' ||
    fail "$1 is ${2:-not there}; below $3 was expected"
}

float=$(train float float32 2 1) || exit 1
first=$(train a1t1 bf16 1 1) || exit 1
other=$(train a3t2 bf16 3 2) || exit 1
[ "$first" = "$other" ] || fail "3 actors and 2 threads gave $other, 1 actor and 1 thread $first"
[ "$first" != "$float" ] || fail "bf16 gave the weights of float32"
below "float32: max |rho - 1|" "$(largest float ratio/first_max_distance)" 1e-4
below "bf16: mean |rho - 1|" "$(largest a1t1 ratio/first_mean_distance)" 1e-4
below "bf16: max |rho - 1|" "$(largest a1t1 ratio/first_max_distance)" 1e-2
train two bf16 1 1 --set learner.ranks=2 >/dev/null || exit 1
below "bf16, 2 learner ranks: max |rho - 1|" "$(largest two ratio/first_max_distance)" 1e-2

# stage 1, and stage 2 from it
troupe pretrain "$work/tiny.yaml" --set run.dir="$work/pretrain" --set compute.precision=bf16 --set learner.threads=1 \
  >&2 || fail "pretrain"
troupe train "$work/tiny.yaml" -n 1 --set run.dir="$work/second" --set compute.precision=bf16 --set learner.threads=1 \
  --set policy.init="$work/pretrain/checkpoints/best.h5" >&2 || fail "train after pretrain"
troupe evaluate "$work/second/checkpoints/best.h5" --data "$work/scenes.h5" --split val >&2 || fail "evaluate"
grep -q 'precision: bf16' "$work/second/config.yaml" || fail "config.yaml does not say bf16"
troupe train "$work/tiny.yaml" -n 1 --set run.dir="$work/second" 2>&1 |
  grep -q 'compute.precision bf16 (now float32)' ||
  fail "a run was continued in another precision"
