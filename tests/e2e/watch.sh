#!/bin/sh
# troupe watch: follows a run to its end, quietly where the output is no terminal; a run that failed, is silent, or is none.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
c=${work:?}/tiny.yaml run=$work/train
mkdir "$run" && cp "$c" "$run/config.yaml" # it may be watched before it begins
troupe watch "$run" --every 0.1 >"$work/watched" 2>"$work/watch.err" &
watch=$!
troupe train "$c" -n 1 --set run.dir="$run" 2>"$work/err" || fail "train"
wait "$watch" || fail "watch: $(cat "$work/watch.err")"
[ ! -s "$work/watch.err" ] || fail "words on stderr: $(cat "$work/watch.err")"
tail -n 1 "$work/watched" | grep -q '^finished  iteration 4/4  reward [0-9.]*  kl [0-9.]* ' || fail "$(cat "$work/watched")"
[ "$(wc -l <"$work/watched")" -le 12 ] || fail "more than a line a tenth"
grep -q "$(printf '\033')" "$work/watched" && fail "colour off a terminal"

expect 0 troupe watch "$run" --once
has '^reward '
has '4/4  100 %'
# on a terminal: colour, unless NO_COLOR
if ! script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
  echo "watch on a terminal was not tried: no script(1), or no pseudo-terminals here"
else
  script -qec "troupe watch '$run'" /dev/null >"$work/out" </dev/null || fail "watch on a terminal"
  has "$(printf '\033')"
  NO_COLOR=1 script -qec "troupe watch '$run'" /dev/null >"$work/out" </dev/null || fail "watch without colour"
  grep -q "$(printf '\033\\[3')" "$work/out" && fail "colour although NO_COLOR is set"
fi

sed 's/"phase": "finished"/"phase": "failed"/' "$run/status.json" >"$work/status" && mv "$work/status" "$run/status.json"
expect 1 troupe watch "$run"
says 'the run failed'
sed 's/"phase": "failed"/"phase": "running"/' "$run/status.json" >"$work/status" && mv "$work/status" "$run/status.json"
touch -d '2 hours ago' "$run/status.json" "$run/metrics.jsonl"
expect 1 troupe watch "$run"
says 'has written nothing for'
expect 2 troupe watch "$work/nowhere"
expect 2 troupe watch
expect 2 troupe watch "$run" --every 0
exit 0
