# Every option and verb that the guides, the README and the cluster's guide name is one that the program knows.
set -u
. tests/expect.inc
pages="README.md $(find deploy -name '*.md' | sort)"

bash -c '. deploy/completion/troupe.bash; _troupe_paths troupe' | sed 's/=$//' >"$work/paths"
[ -s "$work/paths" ] || fail "no option is known"
sections=$(sed 's/\..*//' "$work/paths" | sort -u | tr '\n' '|' | sed 's/|$//')
# `section.option`, `section.option: value`, --set section.option=value
# shellcheck disable=SC2086 # a list of files
grep -noE "(\`|--set )($sections)\.[a-z_0-9.]+" $pages | while IFS=: read -r page line word; do
  path=$(echo "$word" | sed -e 's/^`//' -e 's/^--set //' -e 's/\.$//')
  case $path in *.jsonl | *.yaml | *.h5 | *.md | *.json | *.c | *.html) continue ;; esac
  grep -qE "^$(echo "$path" | sed 's/\./\\./g')(\.|$)" "$work/paths" || echo "$page:$line: no option $path"
done >"$work/unknown"

verbs=$(troupe --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
# shellcheck disable=SC2086
grep -nE '(`|^ *)troupe [a-z]+' $pages | grep -oE '^[^:]*:[0-9]*:|(`|^ *|:) *troupe [a-z]+' | awk '/:[0-9]+:$/ { at = $0; next } { print at, $NF }' |
  while read -r at verb; do
    echo " $verbs help " | tr '\n' ' ' | grep -q " $verb " || echo "$at no verb $verb"
  done >>"$work/unknown"
[ ! -s "$work/unknown" ] || { cat "$work/unknown" >&2; fail "the pages name what is not there"; }
