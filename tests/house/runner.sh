# tests/run.sh counts what it should: passes, failures, skips, crashes and cases that never ran.
set -eu
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
fake() { printf '#!/bin/sh\n%s\n' "$2" >"$box/$1"; chmod +x "$box/$1"; }
expect() { # LAST_LINE EXIT_CODE TEST...
  line=$1 code=$2 got=0; shift 2
  last=$(sh tests/run.sh "$@" 2>&1 | tail -n 1)
  sh tests/run.sh "$@" >"$box/log" 2>&1 || got=$?
  [ "$last" = "$line" ] && [ "$got" = "$code" ] || { echo "$*: '$last', exit $got; expected '$line', exit $code"; exit 1; }
}
unset TROUPE_REQUIRE_DATA V
fake good 'printf "1..2\nok 1 - a\nok 2 - b\n"'
fake bad 'printf "1..2\nok 1 - a\nnot ok 2 - b\n"; exit 1'
fake dies 'printf "1..3\nok 1 - a\n"; kill -SEGV $$'
fake leaves 'printf "1..3\nok 1 - a\n"'
fake silent ''
fake leaks 'printf "1..1\nok 1 - a\n"; exit 23'
fake skips 'printf "1..2\nSKIP: no data: TROUPE_DATA\nnot ok 1 # SKIP a\nok 2 - b\n"'
fake skips_aside 'printf "1..3\nnot ok 1 # SKIP a\nok 2 # SKIP b\nok 3 - c\n"
  printf "SKIP: no data\nelse\nSKIP: no weights\n" >&2'
fake pass.sh 'exit 0'
fake fail.sh 'exit 3'
fake skip.sh 'echo "SKIP: no second network"; exit 77'
fake slow.sh 'sleep 60'
expect '2 passed, 0 failed, 0 skipped' 0 "$box/good"
expect '1 passed, 1 failed, 0 skipped' 1 "$box/bad"
expect '1 passed, 1 failed, 0 skipped' 1 "$box/dies"
expect '1 passed, 1 failed, 0 skipped' 1 "$box/leaves"
expect '0 passed, 1 failed, 0 skipped' 1 "$box/silent"
expect '1 passed, 1 failed, 0 skipped' 1 "$box/leaks"
expect '1 passed, 0 failed, 1 skipped' 0 "$box/skips"
grep -q 'SKIPPED .*skips: a: no data' "$box/log"
TROUPE_REQUIRE_DATA=1 expect '1 passed, 1 failed, 0 skipped' 1 "$box/skips"
expect '1 passed, 0 failed, 2 skipped' 0 "$box/skips_aside"
grep -q 'SKIPPED .*skips_aside: a: no data' "$box/log"
grep -q 'SKIPPED .*skips_aside: b: no weights' "$box/log"
TROUPE_REQUIRE_DATA=1 expect '1 passed, 0 failed, 1 skipped' 0 "$box/pass.sh" "$box/skip.sh"
expect '3 passed, 1 failed, 1 skipped' 1 "$box/pass.sh" "$box/fail.sh" "$box/skip.sh" "$box/good"
TEST_TIMEOUT=1 expect '0 passed, 1 failed, 0 skipped' 1 "$box/slow.sh"
expect '0 passed, 1 failed, 0 skipped' 1
