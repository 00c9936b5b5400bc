# The Debian package is built from the programs and holds what `make install` installs, with the libraries it needs named;
# Spack's, Apptainer's and Lmod's files are read by what is here to read them.
set -eu
unset MAKEFLAGS MAKELEVEL MFLAGS 2>/dev/null || true
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "packaging.sh: $*" >&2; exit 1; }

for word in 'Bootstrap: ' 'From: ' %files %post %runscript %test; do
  grep -q "^$word" deploy/packaging/troupe.def || fail "troupe.def: no $word"
done
awk '/^%/ { inside = $1 == "%post" } inside && !/^%/' deploy/packaging/troupe.def | sh -n || fail "troupe.def: %post"
for script in $(grep -o 'deploy/[a-z/-]*\.sh' deploy/packaging/troupe.def); do [ -x "$script" ] || fail "no $script"; done
if command -v python3 >/dev/null; then
  python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' deploy/packaging/spack/package.py || fail "package.py"
fi
for compiler in luac luac5.4 luac5.3 luac5.1; do
  if command -v $compiler >/dev/null; then
    $compiler -p deploy/packaging/troupe.lua || fail "troupe.lua"
    break
  fi
done

# the version: of a tarball, of tags, of neither
mkdir -p "$work/tree/deploy" "$work/tree/common/base"
cp deploy/version.sh "$work/tree/deploy/"
echo '#define TROUPE_VERSION "9.8.7"' >"$work/tree/common/base/version.h"
is() { # VERSION (a pattern)
  found=$("$work/tree/deploy/version.sh")
  echo "$found" | grep -qx "$1" || fail "version $found; expected $1"
}
is '9\.8\.7'
if command -v git >/dev/null; then
  as() { git -C "$work/tree" -c user.name=a -c user.email=a@b -c commit.gpgsign=false "$@" >/dev/null; }
  as init -q && as add . && as commit -q -m one
  is '9\.8\.7-[0-9a-f]*'
  as tag v9.9.0
  is '9\.9\.0'
  as commit -q --allow-empty -m two
  is '9\.9\.0-1-g[0-9a-f]*'
  echo >>"$work/tree/common/base/version.h"
  is '9\.9\.0-1-g[0-9a-f]*-dirty'
fi
echo 1.0.0 >"$work/tree/VERSION"
is '1\.0\.0'
if git rev-parse HEAD >/dev/null 2>&1; then
  make -s dist DIST="$work" >/dev/null
  tar -xzf "$work"/troupe-*.tar.gz -C "$work"
  unpacked=$(dirname "$work"/troupe-*/deploy)
  [ "troupe-$("$unpacked/deploy/version.sh")" = "$(basename "$unpacked")" ] || fail "make dist: another version inside"
fi

command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null ||
  { echo "SKIP: no dpkg-dev: the Debian package was not built"; exit 77; }
make -s deb-package DEB_FOLDER="$work/deb" >/dev/null
deb=$(echo "$work"/deb/*.deb)
dpkg-deb --field "$deb" Depends | grep -q 'libc6.*libhdf5' || fail "Depends: $(dpkg-deb --field "$deb" Depends)"
dpkg-deb --contents "$deb" >"$work/contents"
for file in usr/bin/troupe usr/bin/troupe-learner usr/bin/troupe-actor usr/share/man/man1/troupe-train.1.gz \
  usr/share/man/man5/troupe.yaml.5.gz usr/share/troupe/configs/demo.yaml usr/share/doc/troupe/copyright \
  usr/share/bash-completion/completions/troupe; do
  grep -q " \./$file$" "$work/contents" || fail "the package has no $file"
done
grep -v ' root/root ' "$work/contents" && fail "files that are not root's"
dpkg-deb --extract "$deb" "$work/root"
"$work/root/usr/bin/troupe" version >/dev/null || fail "the program in the package does not run"
