# The man pages that are made of --help, and bash's completion: each verb, option and configuration option is there.
set -eu
. tests/expect.inc

expect 0 deploy/man.sh "$(command -v troupe)" "$work"
verbs=$(troupe --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
for verb in $verbs; do
  page=$work/troupe-$verb.1
  for section in NAME SYNOPSIS DESCRIPTION "EXIT STATUS"; do
    grep -q "^\.SH $section" "$page" || fail "$verb: no section $section"
  done
  troupe "$verb" --help | sed -n 's/^  \(-[a-z], \)*--\([a-z0-9-]*\).*/\2/p' | while read -r option; do
    grep -q -- "^\.B .*\\\\-\\\\-$(echo "$option" | sed 's/-/\\\\-/g')" "$page" || fail "$verb: no --$option"
  done
  grep -qF "troupe\\-$verb" "$work/troupe.1" || fail "troupe.1: no $verb"
done
for path in policy.beta rewards.cider_d.df actors.lag pretrain.optimizer.lr guard.kl; do
  grep -qx "\.B $path" "$work/troupe.yaml.5" || fail "troupe.yaml.5: no $path"
done
test "$(grep -c '^\.TP' "$work/troupe.yaml.5")" = "$(troupe train --print-config | grep -c '^ *[a-z_0-9]*: .')" ||
  fail "troupe.yaml.5: not one entry an option"
if command -v groff >/dev/null; then
  for page in "$work"/*.[15]; do
    warnings=$(groff -man -ww -z "$page" 2>&1)
    test -z "$warnings" || fail "$page: $warnings"
  done
else
  echo "no groff: how the pages are set is not checked"
fi

complete_words() { # WORD...: what is offered for the last one
  bash -c '. deploy/completion/troupe.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _troupe; printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
for case in "troupe eva:evaluate" "troupe evaluate --per:--per-image" "troupe train --set policy.be:policy.beta=" \
  "troupe train --set pretrain.optimizer.l:pretrain.optimizer.lr="; do
  # shellcheck disable=SC2086 # words
  offered=$(complete_words ${case%:*})
  test "$offered" = "${case#*:}" || fail "${case%:*}: offered '$offered', expected '${case#*:}'"
done
