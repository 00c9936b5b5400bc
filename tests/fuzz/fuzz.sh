#!/bin/sh
# Runs one libFuzzer program: tests/fuzz/fuzz.sh PROGRAM SECONDS. Seeds come from tests/fuzz/corpus/NAME; what it finds new stays
# in the build folder, and so does an input that breaks the program (libFuzzer prints its path).
set -eu
name=$(basename "$1" _fuzz)
found=$(dirname "$1")/corpus/$name
mkdir -p "$found"
# HDF5 itself asks for what a damaged header says, and takes no for an answer; our own allocations do not
case $name in dataset | metadata) export ASAN_OPTIONS="allocator_may_return_null=1:max_allocation_size_mb=1024${ASAN_OPTIONS:+:$ASAN_OPTIONS}" ;; esac
"$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$(dirname "$1")/$name-" \
  "$found" "tests/fuzz/corpus/$name" 2>"$found.log" || { tail -n 60 "$found.log"; exit 1; }
echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs in $2 s, none broke it"
