# install puts the programs and configurations under DESTDIR/PREFIX and nowhere else; uninstall takes them away again.
set -eu
unset MAKEFLAGS MAKELEVEL MFLAGS 2>/dev/null || true
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
make -s install DESTDIR="$stage" PREFIX=/opt/troupe >/dev/null
for program in troupe troupe-learner troupe-actor; do test -x "$stage/opt/troupe/bin/$program"; done
for config in deploy/configs/*.yaml; do
  test ! -e "$config" || cmp -s "$config" "$stage/opt/troupe/share/troupe/configs/$(basename "$config")"
done
make -s uninstall DESTDIR="$stage" PREFIX=/opt/troupe >/dev/null
left=$(find "$stage" ! -type d)
test -z "$left" || { echo "left behind: $left"; exit 1; }
