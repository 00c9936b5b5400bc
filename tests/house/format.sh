#!/bin/sh
# The C files are as `make format` leaves them. Other versions of clang-format lay some lines out in another way.
set -u
cd "$(dirname "$0")/../.." || exit 1
wanted=14
found=$(clang-format --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
[ "$found" = $wanted ] || { echo "SKIP: no clang-format $wanted here (found: ${found:-none})"; exit 77; }
git rev-parse HEAD >/dev/null 2>&1 || { echo "SKIP: no git checkout"; exit 77; }
git ls-files '*.c' '*.h' | grep -v '_golden\.h$\|_table\.h$' | xargs clang-format --dry-run --Werror || {
  echo "'make format' formats them" >&2
  exit 1
}
