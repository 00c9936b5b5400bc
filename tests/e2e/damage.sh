#!/bin/sh
# Damaged datasets and checkpoints: wherever eight bytes of one are lost, it is refused with a message that names it, exit code 2, or
# nothing that is used was hit; HDF5, which dies of some of it, does not take troupe with it. A run resumes from the checkpoint before.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
cd "${work:?}" || exit 1
troupe train tiny.yaml -n 1 --set run.dir=run 2>err || fail "train: $(cat err)"
whole=$(hash_of run) || exit 1

hurt() { # FILE OFFSET PATTERN: a copy in hurt.h5
  cp "$1" hurt.h5
  printf '%b' "$3" | dd of=hurt.h5 bs=1 seek="$2" conv=notrunc 2>/dev/null
}
ones='\0377\0377\0377\0377\0377\0377\0377\0377' zeros='\0000\0000\0000\0000\0000\0000\0000\0000'

# the headers of HDF5 stand at the beginning and in between
offsets() { seq 8 16 1100; seq 1500 2503 "$(($(wc -c <"$1") - 48))" | head -n 60; }
refused=0
for file in scenes.h5 run/checkpoints/000004.h5; do
  for offset in $(offsets $file); do
    for pattern in "$ones" "$zeros"; do
      hurt $file "$offset" "$pattern"
      cmp -s $file hurt.h5 && continue
      troupe inspect hurt.h5 >out 2>err
      code=$?
      [ $code != 0 ] || [ $file = scenes.h5 ] || fail "$file with $pattern at $offset is taken for whole"
      [ $code = 0 ] && continue
      [ $code = 2 ] && grep -q 'hurt\.h5' err || fail "$file with $pattern at $offset: exit code $code: $(cat err)"
      refused=$((refused + 1))
    done
  done
done
[ $refused -gt 200 ] || fail "only $refused of these were refused"

sed -i 's/iterations: 4/iterations: 6/' tiny.yaml # it has two more to do
cp -r run again
hurt run/checkpoints/000004.h5 120 "$ones" && cp hurt.h5 again/checkpoints/000004.h5
troupe train tiny.yaml -n 1 --set run.dir=run 2>err || fail "train on: $(cat err)"
troupe train tiny.yaml -n 1 --set run.dir=again 2>err || fail "after damage: $(cat err)"
grep -q 'resuming from again/checkpoints/000003.h5' err || fail "it did not take the checkpoint before: $(cat err)"
[ "$(hash_of run)" = "$(hash_of again)" ] || fail "other weights after damage"
[ "$(hash_of run)" != "$whole" ] || fail "nothing was trained"
