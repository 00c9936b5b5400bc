#!/bin/sh
# Runs one libFuzzer program: tests/fuzz/fuzz.sh PROGRAM SECONDS. Seeds come from tests/fuzz/corpus/NAME; what it finds new stays
# in the build folder, and so does an input that breaks the program (libFuzzer prints its path).
set -eu
name=$(basename "$1" _fuzz)
found=$(dirname "$1")/corpus/$name broken=$(dirname "$1")/$name-
mkdir -p "$found"
options="-max_total_time=$2 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$broken"

# HDF5 asks for whatever a damaged header says, takes no for an answer, and dies of some headers (common/data/h5_guard.h); then it
# goes on, and afterwards each such input is looked at: is the first function of a program in the stack HDF5's?
case $name in
  dataset | metadata)
    export ASAN_OPTIONS="allocator_may_return_null=1:max_allocation_size_mb=1024${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
    rm -f "$broken"crash-* "$broken"oom-* "$broken"timeout-*
    # shellcheck disable=SC2086 # a list of words
    "$1" $options -fork=1 -ignore_crashes=1 "$found" "tests/fuzz/corpus/$name" >"$found.log" 2>&1 || { tail -n 60 "$found.log"; exit 1; }
    theirs=0
    for input in "$broken"crash-*; do
      [ -e "$input" ] || continue
      "$1" "$input" >"$found.crash" 2>&1 && continue # it had to do with the inputs before
      if grep -q 'runtime error' "$found.crash" || ! grep -E '^ *#[0-9]+ ' "$found.crash" |
        grep -v -E 'fuzzer::|sanitizer|__asan|__interceptor|/libc\.so|_fuzz\+' | head -n 1 | grep -q 'libhdf5'; then
        tail -n 60 "$found.crash"
        echo "$input" >&2
        exit 1
      fi
      theirs=$((theirs + 1))
      rm "$input"
    done
    echo "$name: $(sed -n 's/^#\([0-9]*\): .*/\1/p' "$found.log" | tail -n 1) inputs in $2 s, none broke it; HDF5 died of $theirs"
    exit 0 ;;
esac
# shellcheck disable=SC2086
"$1" $options "$found" "tests/fuzz/corpus/$name" 2>"$found.log" || { tail -n 60 "$found.log"; exit 1; }
echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs in $2 s, none broke it"
