# install puts the programs, configurations, scripts, man pages, guides and completions under DESTDIR/PREFIX and nowhere else; uninstall takes them away again.
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
share=$stage/opt/troupe/share
for file in doc/troupe/README.md doc/troupe/deploy/guides/trl.md doc/troupe/deploy/slurm/README.md troupe/slurm/train.sbatch \
  troupe/interop/troupe_torch.py troupe/interop/troupe_onnx.py; do
  test -s "$share/$file" || { echo "not installed: $file"; exit 1; }
done
# a script that fetches has all it needs beside it: it stops at what is there already
for script in fetch-encoder fetch-meteor; do
  "$share/troupe/$script.sh" "$0" | grep -q "is there already" || { echo "$script.sh does not run where it is installed"; exit 1; }
done
for helper in deploy/*_convert.py; do test -s "$share/troupe/$(basename "$helper")"; done
make -s uninstall DESTDIR="$stage" PREFIX=/opt/troupe >/dev/null
left=$(find "$stage" ! -type d)
test -z "$left" || { echo "left behind: $left"; exit 1; }
