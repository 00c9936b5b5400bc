#!/bin/sh
# A job that is told of its end by USR1, and one that another partition preempts: each saves, queues again, goes on and ends
# with the weights of a run that nothing disturbed.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
tiny_data
cluster_start

long="--set policy.iterations=40"
# shellcheck disable=SC2086 # long is a list of words
{
  undisturbed $long
  signalled=$(train_job signalled $long)
}
restarts() { scontrol show job "$1" | sed -n 's/.* Restarts=\([0-9]*\).*/\1/p'; }
went_on() { # JOB NAME
  [ "$(restarts "$1")" = 1 ] || fail "$2: Restarts=$(restarts "$1"): $(cat "$work/$2.log")"
  ended_alike "$2"
}

wait_for_iteration "$work/signalled" 5
scancel --batch --signal=USR1 "$signalled"
job_ends "$signalled" COMPLETED
went_on "$signalled" signalled

# shellcheck disable=SC2086
preempted=$(train_job preempted $long)
wait_for_iteration "$work/preempted" 5
urgent=$(sbatch --parsable --partition=high --ntasks=4 --output=/dev/null --wrap true)
job_ends "$urgent" COMPLETED
grep -q '"phase": "stopped"' "$work/preempted/status.json" || grep -q resuming "$work/preempted.log" ||
  fail "it was not stopped: $(cat "$work/preempted.log")"
job_ends "$preempted" COMPLETED
went_on "$preempted" preempted
