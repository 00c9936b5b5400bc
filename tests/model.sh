#!/bin/sh
# Spin on the model of the protocol (proto/model/ledger.pml): what is right has to pass, every mutant (BUG_*) has to be
# rejected for its own reason. tests/model.sh [quick]: quick leaves out the large instances.
set -u
cd "$(dirname "$0")/.." || exit 1
model=$PWD/proto/model/ledger.pml
command -v spin >/dev/null || {
  echo "check-model: the model checker Spin is not installed, nothing was checked." >&2
  echo "  Debian and its kin, as root: apt-get install spin    elsewhere: https://spinroot.com" >&2
  exit 1
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# search FLAGS ACTORS ITERATIONS CHUNKS SUSPICIONS: errors, reason and the figures. SURVIVOR asks for liveness, else safety.
search() {
  flags="$1 -DACTORS=$2 -DITERATIONS=$3 -DCHUNKS=$4 -DLAG=1 -DSUSPICIONS=$5"
  case $1 in *SURVIVOR*) mode="" options="-a -f" ;; *) mode=-DSAFETY options="" ;; esac
  # shellcheck disable=SC2086 # lists of words
  (cd "$work" && spin -a $flags "$model" && ${CC:-cc} -w -O2 $mode -DCOLLAPSE -DMEMLIM=1000 -o pan pan.c &&
    timeout 900 ./pan -w22 -m100000 $options) >"$work/log" 2>&1
  errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$work/log")
  reason=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth [0-9]*)$/\1/p' "$work/log")
  figures=$(awk '/depth reached/ { sub(",", "", $6); depth = $6 } /states, stored/ { states = $1 }
    /total actual memory/ { memory = $1 } /elapsed time/ { seconds = $4 }
    END { printf "%9d states, depth %5d, %4.0f MB, %5.1f s", states, depth, memory, seconds }' "$work/log")
}

report() { # OK WHAT
  if [ "$1" = yes ]; then
    printf '  ok %-66s %s\n' "$2" "$figures"
  else
    printf '  FAILED %s\n' "$2"
    tail -30 "$work/log"
    failed=1
  fi
}

passes() { # WHAT FLAGS ACTORS ITERATIONS CHUNKS SUSPICIONS
  search "$2" "$3" "$4" "$5" "$6"
  right=yes
  [ "$errors" = 0 ] || right=no
  grep -q 'not completed\|depth too small\|limit' "$work/log" && right=no
  report $right "$1, $3 actors, $4 x $5 chunks, $6 given up by mistake"
}

rejects() { # BUG REASON [FLAGS [ITERATIONS]]: on the smallest instance
  search "-D$1 ${3:-}" 2 "${4:-2}" 1 1
  right=no
  [ "$errors" = 1 ] && case $reason in *"$2"*) right=yes ;; esac
  report $right "$1 is rejected: ${2}"
}

echo "safety: a chunk is taken once, of the right version, and stays; it is out at a holder until lost; epochs hold; no deadlock"
passes "exact" "" 2 2 1 1
[ "${1:-}" = quick ] || {
  passes "exact" "" 2 2 2 1
  passes "floating" -DFLOATING 2 3 1 1
  passes "exact" "" 3 1 1 1
}
echo "liveness: under weak fairness, and with an actor that lives, every chunk is taken and the learner ends"
passes "exact" "-DSURVIVOR -DBEATS" 2 2 1 1
[ "${1:-}" = quick ] || passes "floating" "-DSURVIVOR -DBEATS -DFLOATING" 2 3 1 0
echo "mutants"
rejects BUG_NO_EPOCH 'e==epoch[a]'
rejects BUG_LOSE_CHUNK '(holders[c]!=0)'
rejects BUG_TWICE '!(took[c])'
rejects BUG_DROPPED_VERSION '!(took[c])' -DFLOATING 3
rejects BUG_KEEP_WORK 'q_full(work[a])'
rejects BUG_LEAVE_SILENTLY 'killed[a]|| !(closing)'
rejects BUG_DROP_WELCOME 'invalid end state'
rejects BUG_NO_REJOIN 'acceptance cycle' "-DSURVIVOR -DBEATS"
exit $failed
