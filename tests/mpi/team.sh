#!/bin/sh
# The learner's ranks among themselves (tests/mpi/team_test.c): right sums in 1 to 4 ranks, and steps as one rank makes them
# (tests/mpi/update_ranks.c), a NaN leaving one out in all; a rank that dies or gives up is named by
# all others; ranks that do not stand as they must are told how. Nothing may hang.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/mpi/ranks.inc
. tests/mpi/ranks.inc
program=$BUILD/tests/mpi/team_test
[ -x "$program" ] || { echo "no $program: make check-mpi builds it" >&2; exit 1; }
updates=$BUILD/tests/mpi/update_ranks
failed=0

# expect NAME RANKS COUNT PATTERN [OPTIONS]: the run ends in time, and COUNT lines of its log have PATTERN
expect() {
  name=$1 ranks=$2 count=$3 pattern=$4
  shift 4
  run_ranks 60 "$ranks" "$scratch/log" "$program" "$@"
  status=$?
  if [ $status = 124 ] || [ $status = 137 ]; then why="did not end in 60 s"
  elif grep -q FAILED "$scratch/log"; then why="a call gave a wrong answer"
  elif [ "$(grep -c "$pattern" "$scratch/log")" != "$count" ]; then why="log has not $count lines of '$pattern'"
  else why=""
  fi
  verdict "$name" "$why"
}

for ranks in 1 2 3 4; do expect "$ranks ranks" $ranks 1 '^finalized' $ranks; done
program=$updates
for ranks in 2 3 8; do expect "steps in $ranks ranks" $ranks 1 '^finalized' $ranks; done # 7 images: one of 8 has none
program=$BUILD/tests/mpi/team_test
extra=$eager
expect "3 ranks, large messages eager" 3 1 '^finalized' 3
[ "$recovery" = no ] || {
  extra="$eager --mca btl self,tcp --mca btl_tcp_if_include lo"
  expect "3 ranks, tcp" 3 1 '^finalized' 3
  expect "a rank dies, tcp" 3 2 'learner rank 1 is lost' 3 die 1
  extra=$eager
  expect "a rank dies" 3 2 'learner rank 1 is lost: its process has ended' 3 die 1
  expect "the lead dies" 3 2 'learner rank 0 is lost: its process has ended' 3 die 0
  expect "a rank gives up" 3 2 'learner rank 2 is lost: the disk is full' 3 fail 2
  expect "too few ranks" 2 2 'the ranks are 2 learners, in this order; expected with learner.ranks 3' 3
}
exit $failed
