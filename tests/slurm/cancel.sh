#!/bin/sh
# scancel in mid-run: the job and all of its ranks end, it does not queue again, and the same sbatch command resumes with the
# weights of a run that nothing disturbed.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
tiny_data
cluster_start

ranks_of_it() { pgrep -f "run\.dir=cancelled( |\$)"; }
none_left() { ! ranks_of_it >/dev/null; }

long="--set policy.iterations=40"
# shellcheck disable=SC2086 # long is a list of words
{
  undisturbed $long
  first=$(train_job cancelled $long)
  wait_for_iteration "$work/cancelled" 5
  scancel "$first"
  job_ends "$first" CANCELLED
  until_so 60 nodes_idle || fail "the nodes are not free after scancel"
  until_so 10 none_left || fail "ranks are left: $(ranks_of_it)" # the nodes are free while the last is just ending
  job_is "$first" CANCELLED || fail "it came back: $(job_state "$first")"
  second=$(train_job cancelled $long)
}
job_ends "$second" COMPLETED
ended_alike cancelled
