#!/bin/sh
# At lag 0 the weights after training are the same bits for 1, 2, 3 and 5 actors and 1 and 2 learner threads; another seed
# gives others.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/tiny.sh"
tiny_data

train() { # NAME ACTORS THREADS [--set ...]
  name=$1 actors=$2 threads=$3
  shift 3
  troupe train "$work/tiny.yaml" -n "$actors" --set run.dir="$work/$name" --set learner.threads="$threads" "$@" \
    >&2 || fail "training $name"
  hash_of "$work/$name"
}

first=$(train a1t1 1 1) || exit 1
for setting in "2 1" "3 1" "5 1" "1 2" "3 2"; do
  set -- $setting
  hash=$(train "a$1t$2" "$1" "$2") || exit 1
  [ "$hash" = "$first" ] || fail "$1 actors and $2 threads gave $hash, 1 actor and 1 thread $first"
done
hash=$(train seed6 2 1 --set run.seed=6) || exit 1
[ "$hash" != "$first" ] || fail "another seed gave the same weights"
[ "$(wc -l <"$work/a1t1/metrics.jsonl")" = 5 ] || fail "metrics.jsonl has not one line an iteration and one before"
# what was logged but for times is the same as well
for run in a1t1 a5t1; do
  sed -E 's/"[a-z_]*(idle|_s|time|seconds|alive|broadcast|actors|learner)[a-z_/]*":[^,}]*//g' "$work/$run/samples.jsonl" >"$work/$run.samples"
done
cmp "$work/a1t1.samples" "$work/a5t1.samples" || fail "samples.jsonl differ"
