# Clang compiles everything without a warning.
set -eu
unset MAKEFLAGS MAKELEVEL MFLAGS 2>/dev/null || true
command -v clang >/dev/null || { echo "SKIP: clang is not installed"; exit 77; }
make -s check-clang
