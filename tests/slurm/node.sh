#!/bin/sh
# A node with actors is lost in mid-run, as by a power cut: the run goes on with the other actors; when Slurm sets the node down
# it queues the job again, which goes on once there are nodes, with the weights of a run that nothing disturbed.
set -u
# shellcheck source=tests/slurm/cluster.inc
. "$(dirname "$0")/cluster.inc"
tiny_data
cluster_start

long="--set policy.iterations=100 --set actors.timeout_s=2 --set actors.heartbeat_s=0.2"
# shellcheck disable=SC2086 # long is a list of words
{
  undisturbed $long
  job=$(train_job bereft $long)
}
wait_for_iteration "$work/bereft" 5
node_lose n2
wait_for 'actor [23] is lost' "$work/bereft.log"
before=$(grep -c . "$work/bereft/metrics.jsonl")
goes_on() { [ "$(grep -c . "$work/bereft/metrics.jsonl")" -gt $((before + 2)) ]; }
until_so 60 goes_on || fail "without n2 the run did not go on: $(cat "$work/bereft.log")"

job_is "$job" RUNNING || fail "the job is $(job_state "$job"): $(cat "$work/bereft.log")"
scontrol update nodename=n2 state=down reason=test
until_so 60 job_is "$job" PENDING || fail "the job did not queue again: $(job_state "$job")"
node_start n2
scontrol update nodename=n2 state=resume
job_ends "$job" COMPLETED
ended_alike bereft
