#!/bin/sh
# troupe submit: writes a script and gives it to sbatch; an array of seeds, whose second stages start from the same seeds'
# first; words that are hard to quote; what is said without sbatch and for wrong options.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
tiny_data
cluster_start
cd "$work" || exit 1
sed -e 's/init: random, //' -e 's/^run: .*/run: {name: tiny}/' tiny.yaml >"it's tiny.yaml"

submit() { # sets $job
  expect 0 troupe submit "$@"
  job=$(sed -n 's/^job \([0-9]*\): .*/\1/p' out)
  [ -n "$job" ] || fail "no job's number: $(cat out)"
}

expect 0 troupe submit "it's tiny.yaml" -n 3 --seeds 1,2 --dry-run
has '^#SBATCH --array=1,2$'
[ ! -e runs ] || fail "--dry-run wrote something"

submit "it's tiny.yaml" --stage pretrain --seeds 1-2 --set learner.threads=1 --set 'run.name=a b'
job_ends "${job}_1" COMPLETED
job_ends "${job}_2" COMPLETED
hash_of "runs/a b/pretrain/s1" >one && hash_of "runs/a b/pretrain/s2" >two
cmp -s one two && fail "two seeds have the same weights"

submit "it's tiny.yaml" --seeds 1-2 -n 1 --time 10 --partition high --set 'run.name=a b' --sbatch=--nice=1
for seed in 1 2; do
  job_ends "${job}_$seed" COMPLETED
  grep -q "seed: $seed\$" "runs/a b/train/s$seed/config.yaml" || fail "seed $seed is not in its run's config.yaml"
  grep -q "init: .*runs/a b/pretrain/s$seed/checkpoints/best.h5" "runs/a b/train/s$seed/config.yaml" ||
    fail "not from the same seed's stage 1: $(grep 'init:' "runs/a b/train/s$seed/config.yaml")"
  grep -q ' 1 actors' "runs/a b/train/slurm-${job}_$seed.log" || fail "$(cat "runs/a b/train/slurm-${job}_$seed.log")"
done
expect 0 troupe train "it's tiny.yaml" -n 2 --set run.seed=2 --set run.dir=beside \
  --set 'policy.init=runs/a b/pretrain/s2/checkpoints/best.h5'
[ "$(hash_of beside)" = "$(hash_of "runs/a b/train/s2")" ] || fail "seed 2: other weights than without Slurm"

# whole nodes
submit tiny.yaml --nodes 2 --set run.dir=whole
job_ends "$job" COMPLETED
grep -q ' 3 actors' "whole/slurm-$job.log" || fail "two whole nodes: $(cat "whole/slurm-$job.log")"

expect 1 troupe submit tiny.yaml --set run.dir=refused --partition none
says 'sbatch did not take refused/submit.sbatch'
expect 2 env PATH="$BUILD/bin" "$(command -v troupe)" submit tiny.yaml --set run.dir=refused
says 'sbatch is not on PATH'
