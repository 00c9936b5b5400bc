#!/bin/sh
# A full disk and one that cannot be written: exit code 1, a message that names the file, nothing under a final name that is
# not whole, and a run that goes on to the same weights once there is room. Needs root: the disks are small tmpfs mounts.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
small=${work:?}/small
mkdir "$small"
trap 'umount "$small" 2>/dev/null; rm -rf "$work"' EXIT
mount -t tmpfs -o size=1m troupe-test "$small" 2>/dev/null || { echo "SKIPPED: a tmpfs cannot be mounted here (needs root)"; exit 77; }
tiny_data
s=$work/scenes

fails() { # PATTERN COMMAND...: exit 1 and the pattern on stderr
  pattern=$1
  shift
  "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [ $code = 1 ] || { cat "$work/err" >&2; fail "exit $code, not 1: $*"; }
  grep -q -- "$pattern" "$work/err" || { cat "$work/err" >&2; fail "stderr does not say '$pattern': $*"; }
}
empty() { [ -z "$(ls -A "$small")" ] || fail "$1 left behind: $(ls -A "$small")"; }
whole() { # every checkpoint of the run verifies
  troupe inspect "$small/run" >&2 || fail "$1: a checkpoint is damaged"
  [ -z "$(find "$small/run" -name '*.tmp*')" ] || fail "$1 left a temporary file"
}

fails "$small/scenes" troupe scenes "$small/scenes" --images 1000
empty scenes
fails "$small/x.h5" troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split train="$s/train.txt" --out "$small/x.h5"
empty prepare

# stage 1 and stage 2 run out of room in the middle; with room they go on to the weights of a run that had it
sets="--set checkpoint.keep=9 --set policy.iterations=4 --set pretrain.epochs=4"
for verb in pretrain train; do
  troupe $verb "$work/tiny.yaml" $sets --set run.dir="$work/$verb" >&2 || fail "$verb with room"
  fails "$small/run" troupe $verb "$work/tiny.yaml" $sets --set run.dir="$small/run"
  whole "$verb"
  mount -o remount,size=16m "$small" || fail "remount"
  troupe $verb "$work/tiny.yaml" $sets --set run.dir="$small/run" >&2 || fail "$verb again, with room"
  [ "$(hash_of "$small/run")" = "$(hash_of "$work/$verb")" ] || fail "$verb: other weights after the disk was full"
  whole "$verb"
  rm -r "$small/run"
  mount -o remount,size=1m "$small" || fail "remount"
done

checkpoint=$work/train/checkpoints/latest
dd if=/dev/zero of="$small/filler" bs=4096 2>/dev/null
fails "$small/results.json" troupe evaluate "$checkpoint" --data "$work/scenes.h5" --out "$small/results.json"
rm "$small/filler"
empty evaluate

mount -o remount,ro "$small" || fail "remount"
fails "$small/scenes" troupe scenes "$small/scenes" --images 20
fails "$small/x.h5" troupe prepare --images "$s/Images" --captions "$s/captions.txt" --out "$small/x.h5"
fails "$small/run" troupe pretrain "$work/tiny.yaml" --set run.dir="$small/run"
fails "$small/run" troupe train "$work/tiny.yaml" -n 1 --set run.dir="$small/run"
fails "$small/results.json" troupe evaluate "$checkpoint" --data "$work/scenes.h5" --out "$small/results.json"
exit 0
