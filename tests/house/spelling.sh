#!/bin/sh
# Pages, comments and messages are spelt as codespell spells them. Left out: words that are cut or misspelt on purpose.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v codespell >/dev/null || { echo "SKIP: no codespell here (Debian: codespell)"; exit 77; }
git rev-parse HEAD >/dev/null 2>&1 || { echo "SKIP: no git checkout"; exit 77; }
git ls-files | grep -v -e '^tests/golden/' -e '^tests/fuzz/corpus/' -e '_table\.h$' -e '\.l$' -e '_test\.c$' -e '^tests/house/spelling\.sh$' |
  xargs codespell --quiet-level 3 --ignore-words-list "rouge,doesn'" | grep -v -e 'evalute ==>' -e 'grup ==>' && exit 1
exit 0
