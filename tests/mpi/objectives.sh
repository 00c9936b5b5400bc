#!/bin/sh
# Objectives end to end. Dynamic sampling with a cross-entropy term: the same weights for any number of actors, at lag 1, and
# when the learner is killed and the run resumed; refills are bounded and logged. SCST and beta 0 run no reference, and greedy
# baselines count in captions_decoded. A refreshed reference is one that was mixed. An entropy bonus holds the entropy up.
set -u
. "$(dirname "$0")/tiny.sh"
tiny_data

train() { # NAME ACTORS [--set ...]
  name=$1 actors=$2
  shift 2
  troupe train "${work:?}/tiny.yaml" -n "$actors" --set run.dir="$work/$name" --set policy.iterations=3 --set learner.threads=1 "$@" >&2 ||
    fail "training $name"
  hash_of "$work/$name"
}

# The values of a field of metrics.jsonl, one a line.
values() { sed -n "s|.*\"$2\":\([-0-9.e]*\).*|\1|p" "$work/$1/metrics.jsonl"; }

# about half of the groups differ by less than this
dynamic="--set policy.dynamic_sampling=true --set policy.min_std=0.05 --set policy.xe=0.1"
for lag in 0 1; do
  sets="$dynamic --set actors.lag=$lag"
  first=$(train dynamic$lag 1 $sets) || exit 1
  hash=$(train dynamic$lag-3 3 $sets) || exit 1
  [ "$hash" = "$first" ] || fail "dynamic sampling, lag $lag: 3 actors gave $hash, 1 actor $first"
  [ $lag = 1 ] || continue
  setsid troupe train "$work/tiny.yaml" -n 2 $sets --set policy.iterations=3 --set run.dir="$work/killed$lag" --set learner.threads=1 >&2 &
  launcher=$!
  for _ in $(seq 600); do
    grep -q '"iteration":2,' "$work/killed$lag/metrics.jsonl" 2>/dev/null && break
    sleep 0.02
  done
  kill -KILL "$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p' "$work/killed$lag/status.json")"
  wait "$launcher" && fail "a killed run said that it succeeded"
  hash=$(train killed$lag 2 $sets) || exit 1
  [ "$hash" = "$first" ] || fail "dynamic sampling, lag $lag: killed and resumed gave $hash, unbroken $first"
  [ "$(values killed$lag captions_decoded)" = "$(values dynamic$lag captions_decoded)" ] || fail "captions counted differ"
done
values dynamic0 dynamic_sampling/left_out | awk '$1 > 0 { n++ } END { exit !(n > 0) }' || fail "no group was left out"
values dynamic0 dynamic_sampling/refills | awk '$1 < 0 || $1 > 3 { exit 1 } { n += $1 } END { exit !(n > 0) }' ||
  fail "refills are not 1 to 3"
values dynamic0 dynamic_sampling/groups | awk '$1 < 1 || $1 > 32 { exit 1 }' || fail "more groups than an iteration has"
[ "$(values dynamic0 xe | wc -l)" = 3 ] || fail "no xe in the metrics"
plain=$(train plain 2) || exit 1
[ "$plain" != "$(hash_of "$work/dynamic0")" ] || fail "dynamic sampling and xe changed nothing"

train scst 2 --set policy.advantage=scst --set policy.inner_epochs=1 >/dev/null || exit 1
[ "$(values scst captions_decoded | tail -1)" = $((3 * 32 * 6)) ] || fail "scst: captions_decoded leaves out the greedy ones"
[ "$(values plain captions_decoded | tail -1)" = $((3 * 32 * 5)) ] || fail "grpo: captions_decoded"
train free 2 --set policy.beta=0 >/dev/null || exit 1
for run in scst free; do
  [ -z "$(values $run kl)" ] || fail "$run: a KL without a reference"
  values $run actors/reference_s | awk '$1 > 1e-4 { exit 1 }' || fail "$run: the reference was run"
done
values plain kl | awk '$1 > 0 { n++ } END { exit !(n > 0) }' || fail "grpo: no KL"

never=$(train never 2 --set reference.refresh_every=0) || exit 1
[ "$never" != "$plain" ] || fail "reference.refresh_every changes nothing"
train entropy 2 --set policy.entropy=1 >/dev/null || exit 1
{ values entropy entropy | tail -1; values plain entropy | tail -1; } | awk '{ e[NR] = $1 } END { exit !(e[1] > e[2]) }' ||
  fail "the entropy bonus did not hold the entropy up"
exit 0
