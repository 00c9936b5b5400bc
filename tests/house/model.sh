#!/bin/sh
# The protocol's model holds, in small, and Spin finds each bug put into it. `make check-model` does the large instances.
cd "$(dirname "$0")/../.." || exit 1
command -v spin >/dev/null || { echo "SKIP: spin is not installed"; exit 77; }
exec sh tests/model.sh quick
