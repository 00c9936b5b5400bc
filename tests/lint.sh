#!/bin/sh
# Lints without changing anything: tests/lint.sh FILE.c... Uses what is installed, and says what is not.
set -u
code=0
if command -v clang-format >/dev/null; then
  clang-format --dry-run --Werror "$@" || { code=1; echo "lint: 'make format' formats"; }
else
  echo "lint: no clang-format here"
fi
if command -v cppcheck >/dev/null; then
  cppcheck --quiet --std=c11 -I. --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
    --suppress=missingIncludeSystem --suppress=unknownMacro \
    --suppress=invalidFunctionArg --suppress=invalidPointerCast \
    --suppress=shiftTooManyBitsSigned --suppress=uninitvar "$@" || code=1
else
  echo "lint: no cppcheck here"
fi
if command -v shellcheck >/dev/null; then
  git ls-files '*.sh' | xargs shellcheck -x -s sh -S warning || code=1
else
  echo "lint: no shellcheck here"
fi
exit $code
