#!/bin/sh
# Jobs that end: both stages and an evaluation by deploy/slurm's scripts, over two nodes, with the weights of one machine; ranks
# are where there are cores for them; a wrong configuration fails the job, without queueing again.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
tiny_data
cluster_start

troupe train "$work/tiny.yaml" -n 1 --set run.dir="$work/alone" >&2 || fail "training without Slurm"
job=$(train_job together) || fail "sbatch"
job_ends "$job" COMPLETED
[ "$(hash_of "$work/together")" = "$(hash_of "$work/alone")" ] || fail "two nodes gave other weights than one machine"
for place in 'actor 1 joined (n1,' 'actor 2 joined (n2,' 'actor 3 joined (n2,' ' 3 actors, 2 threads'; do
  grep -q "$place" "$work/together.log" || fail "not so: $place: $(cat "$work/together.log")"
done

# at lag 1 the learner's node is its own
job=$(train_job overlapped --set actors.lag=1) || fail "sbatch"
job_ends "$job" COMPLETED
grep -q ' 2 actors, 2 threads' "$work/overlapped.log" || fail "lag 1: $(cat "$work/overlapped.log")"
grep -q 'joined (n1,' "$work/overlapped.log" && fail "lag 1: an actor took a core of the learner's: $(cat "$work/overlapped.log")"

# tasks with many cores each are cores all the same
job=$(options="--nodes=2 --ntasks-per-node=1 --cpus-per-task=2" script train tasks.log tiny.yaml --set run.dir=tasks) || fail "sbatch"
job_ends "$job" COMPLETED
[ "$(hash_of "$work/tasks")" = "$(hash_of "$work/alone")" ] || fail "one task a node gave other weights"
[ "$(grep -c 'joined (n1,' "$work/tasks.log"):$(grep -c 'joined (n2,' "$work/tasks.log")" = 1:2 ] || fail "one task a node: $(cat "$work/tasks.log")"

job=$(options="--ntasks=1 --cpus-per-task=2" script pretrain one.log tiny.yaml --set run.dir=one) || fail "sbatch"
job_ends "$job" COMPLETED
job=$(options="--nodes=2 --ntasks=2 --cpus-per-task=2" script pretrain two.log tiny.yaml --set run.dir=two --set learner.ranks=2) || fail "sbatch"
job_ends "$job" COMPLETED
hash_of "$work/one" >&2
hash_of "$work/two" >&2

job=$(options=--cpus-per-task=2 script evaluate evaluate.log one/checkpoints/best.h5 --data scenes.h5 --out results.json) || fail "sbatch"
job_ends "$job" COMPLETED
[ -s "$work/results.json" ] && grep -q CIDEr "$work/evaluate.log" || fail "evaluate: $(cat "$work/evaluate.log")"

job=$(train_job wrong --set policy.group=0) || fail "sbatch"
job_ends "$job" FAILED
[ "$(job_exit "$job")" = 2 ] || fail "a wrong configuration: exit $(job_exit "$job")"
