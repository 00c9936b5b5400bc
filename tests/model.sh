#!/bin/sh
# Spin on the models of the protocol (proto/model/ledger.pml and depot.pml): what is right has to pass, every mutant (BUG_*) has to
# be rejected for its own reason. tests/model.sh [quick]: quick leaves out the large instances.
set -u
cd "$(dirname "$0")/.." || exit 1
models=$PWD/proto/model
command -v spin >/dev/null || {
  echo "check-model: the model checker Spin is not installed, nothing was checked." >&2
  echo "  Debian and its kin, as root: apt-get install spin    elsewhere: https://spinroot.com" >&2
  exit 1
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# search MODEL FLAGS: errors, reason and the figures. SURVIVOR asks for liveness, else safety.
search() {
  flags=$2
  case $2 in *SURVIVOR*) mode="" options="-a -f" ;; *) mode=-DSAFETY options="" ;; esac
  # shellcheck disable=SC2086 # lists of words
  (cd "$work" && spin -a $flags "$models/$1.pml" && ${CC:-cc} -w -O1 $mode -DCOLLAPSE -DMEMLIM=1000 -o pan pan.c &&
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

instance() { echo "-DACTORS=$1 -DITERATIONS=$2 -DCHUNKS=$3 -DLAG=1 -DSUSPICIONS=$4"; } # of ledger.pml

passed() { # WHAT: the search before it
  right=yes
  [ "$errors" = 0 ] || right=no
  grep -q 'not completed\|depth too small\|limit' "$work/log" && right=no
  report $right "$1"
}

rejected() { # BUG REASON: by the search before it
  right=no
  [ "$errors" = 1 ] && case $reason in *"$2"*) right=yes ;; esac
  report $right "$1 is rejected: ${2}"
}

passes() { # WHAT FLAGS ACTORS ITERATIONS CHUNKS SUSPICIONS
  search ledger "$2 $(instance "$3" "$4" "$5" "$6")"
  passed "$1, $3 actors, $4 x $5 chunks, $6 given up by mistake"
}

rejects() { # BUG REASON [FLAGS [ITERATIONS]]: on the smallest instance
  search ledger "-D$1 ${3:-} $(instance 2 "${4:-2}" 1 1)"
  rejected "$1" "$2"
}

shared_passes() { # ACTORS VERSIONS SUSPICIONS
  search depot "-DACTORS=$1 -DVERSIONS=$2 -DSLOTS=2 -DSUSPICIONS=$3"
  passed "$1 actors of a machine, $2 versions, $3 given up by mistake"
}

shared_rejects() { # BUG REASON
  search depot "-D$1"
  rejected "$1" "$2"
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
echo "shared memory: nobody works with weights that another one overwrites"
shared_passes 2 2 1
[ "${1:-}" = quick ] || shared_passes 2 3 1
echo "mutants"
shared_rejects BUG_KEEP_DEPOT '==wants)'
shared_rejects BUG_ENDED_FOR_ALL '==wants)'
shared_rejects BUG_OVERWRITE_USED 'used!=x'
shared_rejects BUG_FREE_SUPERSEDED '==wants)'
exit $failed
