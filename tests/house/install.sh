# install puts the programs, configurations, man pages and completions under DESTDIR/PREFIX and nowhere else; uninstall takes them away again.
set -eu
unset MAKEFLAGS MAKELEVEL MFLAGS 2>/dev/null || true
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
make -s install DESTDIR="$stage" PREFIX=/opt/troupe >/dev/null
for program in troupe troupe-learner troupe-actor; do test -x "$stage/opt/troupe/bin/$program"; done
for config in deploy/configs/*.yaml; do
  test ! -e "$config" || cmp -s "$config" "$stage/opt/troupe/share/troupe/configs/$(basename "$config")"
done
test -s "$stage/opt/troupe/share/man/man1/troupe-train.1" -a -s "$stage/opt/troupe/share/man/man5/troupe.yaml.5"
test -s "$stage/opt/troupe/share/bash-completion/completions/troupe"
make -s uninstall DESTDIR="$stage" PREFIX=/opt/troupe >/dev/null
left=$(find "$stage" ! -type d)
test -z "$left" || { echo "left behind: $left"; exit 1; }
