#!/bin/sh
# Runs tests and counts them: tests/run.sh TEST...
#
# A TEST that ends in .sh is a script: one case; exit 0 passes, 77 skips (the reason is its last line on stdout), anything
# else fails. Any other TEST is a cmocka program: each of its cases counts, a crash or a missing case is a failure, and a
# case that skips says why beforehand in a line "SKIP: reason".
#
# Ends with the line "N passed, N failed, N skipped"; exits 1 if anything failed or nothing ran.
# TROUPE_DATA            folder of the real pictures (default ../shared/data beside the checkout)
# TROUPE_REQUIRE_DATA=1  a skip for want of data (the reason says "data") is a failure
# TEST_TIMEOUT           seconds that one TEST may take (default 600)
# V=1                    shows the output of tests that pass, too

set -u
cd "$(dirname "$0")/.." || exit 1
: "${TROUPE_DATA:=../shared/data}" "${BUILD:=build}" "${TEST_TIMEOUT:=600}" "${TROUPE_REQUIRE_DATA:=0}" "${V:=0}"
case $TROUPE_DATA in /*) ;; *) TROUPE_DATA=$PWD/$TROUPE_DATA ;; esac
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
PATH=$BUILD/bin:$PATH
export TROUPE_DATA BUILD PATH CMOCKA_MESSAGE_OUTPUT=TAP
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}" # threads that spin starve the ranks of a busy machine
# test scripts call mpirun themselves: as root (containers, CI) it wants to be told twice
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
touch "$work/failures" "$work/skips"
passed=0 failed=0 skipped=0

# Reads a cmocka program's TAP; says "FAIL name" and "SKIP name: reason", a line each, and "COUNT passed failed skipped".
# A reason stands before its case on stdout, or on stderr: there the order is all that tells.
count_cases() { # EXIT_CODE STDOUT STDERR
  awk -v code="$1" '
    FILENAME == ARGV[1] { if (sub(/^.*SKIP(PED)?: /, "")) said[++saids] = $0; next }
    /^1\.\.[0-9]+/ { planned += substr($0, 4) + 0; next }
    /SKIP(PED)?: / { reason = $0; sub(/^.*SKIP(PED)?: /, "", reason); next }
    /^(not )?ok [0-9]+ # SKIP/ {
      name = $0; sub(/^.*# SKIP */, "", name)
      if (reason == "") reason = said[++told]
      print "SKIP " name ": " (reason != "" ? reason : "no reason given"); reason = ""; skipped++; next
    }
    /^not ok [0-9]+/ { name = $0; sub(/^not ok [0-9]+ *-? */, "", name); print "FAIL " name; failed++; reason = ""; next }
    /^ok [0-9]+/ { passed++; reason = ""; next }
    END {
      ran = passed + failed + skipped
      if (code == 124 || code == 137) { print "FAIL (ran past its time)"; failed++ }
      else if (ran < planned) { print "FAIL (ended in case " ran + 1 " of " planned ", exit " code ")"; failed++ }
      else if (ran == 0) { print "FAIL (no test ran, exit " code ")"; failed++ }
      else if (code != 0 && failed == 0) { print "FAIL (all cases passed, but exit " code ")"; failed++ }
      print "COUNT " passed + 0, failed + 0, skipped + 0
    }' "$3" "$2"
}

for test; do
  name=${test#"$BUILD"/}
  start=$(date +%s)
  case $test in
    *.sh) timeout -k 5 "$TEST_TIMEOUT" sh "$test" >"$work/out" 2>"$work/err" </dev/null ;;
    *) timeout -k 5 "$TEST_TIMEOUT" "$test" >"$work/out" 2>"$work/err" </dev/null ;;
  esac
  code=$?
  case $test in
    *.sh)
      case $code in
        0) echo "COUNT 1 0 0" ;;
        77) echo "SKIP $(tail -n 1 "$work/out" | sed 's/^SKIP: //')" && echo "COUNT 0 0 1" ;;
        124 | 137) echo "FAIL (ran past $TEST_TIMEOUT s)" && echo "COUNT 0 1 0" ;;
        *) echo "FAIL (exit $code)" && echo "COUNT 0 1 0" ;;
      esac ;;
    *) count_cases "$code" "$work/out" "$work/err" ;;
  esac >"$work/result"

  if [ "$TROUPE_REQUIRE_DATA" = 1 ] && grep -qi '^SKIP .*data' "$work/result"; then
    awk '/^SKIP / && tolower($0) ~ /data/ { sub(/^SKIP/, "FAIL"); print $0 " (TROUPE_REQUIRE_DATA=1)"; moved++; next }
         /^COUNT / { print "COUNT " $2, $3 + moved, $4 - moved; next } { print }' "$work/result" >"$work/result.data"
    mv "$work/result.data" "$work/result"
  fi
  read -r _ p f s <<EOF
$(grep '^COUNT ' "$work/result")
EOF
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  verdict=ok
  [ "$s" -gt 0 ] && verdict="ok ($s skipped)"
  [ "$p$f" = 00 ] && verdict=skipped
  [ "$f" -gt 0 ] && verdict=FAILED
  seconds=$(($(date +%s) - start))
  printf '%-60s %3d cases %4d s  %s\n' "$name" $((p + f + s)) "$seconds" "$verdict"
  if [ "$f" -gt 0 ] || [ "$V" = 1 ]; then
    sed 's/^/    /' "$work/out" "$work/err" | grep -v '^    ok [0-9]' | tail -n 60
  fi
  sed -n "s|^FAIL |FAILED  $name: |p" "$work/result" >>"$work/failures"
  sed -n "s|^SKIP |SKIPPED $name: |p" "$work/result" >>"$work/skips"
done

if [ -s "$work/skips" ] || [ -s "$work/failures" ]; then echo; fi
cat "$work/skips" "$work/failures"
[ $((passed + failed + skipped)) -gt 0 ] || { echo "no test ran" >&2; failed=1; }
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
