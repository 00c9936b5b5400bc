#!/bin/sh
# A job of more actors, on another node, for a run that goes on (deploy/slurm/join.sbatch): one that is cancelled, whose actors
# leave, and one that ends with the run; the weights of a run without them.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
mpirun --version | grep -q '(Open MPI) 4' || skip "this MPI lets no process into a run that goes on"
tiny_data
cluster_start

long="--set policy.iterations=400 --set checkpoint.every=50"
# shellcheck disable=SC2086 # long is a list of words
{
  undisturbed $long
  job=$(options="--ntasks=2 --nodelist=n1" script train joined.log tiny.yaml --set run.dir=joined --set actors.joinable=true $long) ||
    fail "sbatch"
}
wait_for_iteration "$work/joined" 5
# shellcheck disable=SC2034 # script's
{
  options="--ntasks=2 --nodelist=n2"
  guests=$(script join guests.log joined) || fail "sbatch"
  wait_for 'actor 3 joined (n2,' "$work/joined.log"
  scancel "$guests"
  job_ends "$guests" CANCELLED
  wait_for 'actor 2 leaves: told to leave' "$work/joined.log"
  wait_for 'actor 3 leaves: told to leave' "$work/joined.log"
  guests=$(script join more.log joined) || fail "sbatch"
}
wait_for 'actor 5 joined (n2,' "$work/joined.log"
grep -q '"iteration":400[,}]' "$work/joined/metrics.jsonl" && fail "the run was over before all had come"
job_ends "$job" COMPLETED
job_ends "$guests" COMPLETED
[ "$(hash_of "$work/joined")" = "$whole" ] || fail "other weights than without those who joined"
late=$(script join late.log joined) || fail "sbatch"
job_ends "$late" FAILED
[ "$(job_exit "$late")" = 2 ] || fail "joining a run that is over: exit $(job_exit "$late")"
