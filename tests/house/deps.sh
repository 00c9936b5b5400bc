# install-deps.sh with stand-ins for the package managers: installs only what is missing, root or sudo or a clear word.
set -eu
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
for tool in sh env grep cat id dirname; do ln -s "$(command -v $tool)" "$box/$tool"; done
stand_in() { rm -f "$box/$1"; printf '#!/bin/sh\n%s\n' "$2" >"$box/$1"; chmod +x "$box/$1"; }
run() { PATH=$box sh deploy/install-deps.sh "$@" >"$box/out" 2>&1; }
said() { grep -q -- "$1" "$box/out" || { echo "expected '$1' in:"; cat "$box/out"; exit 1; }; }
refused() { ! run "$@" || { echo "should have failed:"; cat "$box/out"; exit 1; }; }

refused; said 'neither apt-get nor dnf'
refused --wrong; said 'unknown; expected'

# apt: the list of what is installed is a file that the stand-ins share
touch "$box/have"
stand_in dpkg-query "grep -qx \"\$4\" $box/have && echo 'ii '"
stand_in apt-get "echo \"apt-get \$*\" >>$box/log; case \$1 in install) shift 4; for p; do echo \$p >>$box/have; done ;; esac"
stand_in id 'echo 0'
run build; said 'to install with apt: gcc .*libhdf5-dev'; said '^install-deps: installed: '
grep -q '^apt-get update' "$box/log"
run build; said '^install-deps: nothing to install$'
run check; said 'to install with apt: libcmocka-dev clang'
echo >"$box/log"; run; said 'nothing to install'
! grep -q apt-get "$box/log"
grep -vx libspng-dev "$box/have" >"$box/less" && cat "$box/less" >"$box/have"
run --dry-run; said 'to install with apt: libspng-dev$'
! grep -q apt-get "$box/log"

# neither root nor sudo; then sudo
stand_in id 'echo 1000'
refused; said 'needs root, and there is no sudo. As root, run: deploy/install-deps.sh check'
stand_in sudo "echo sudo >>$box/log; exec \"\$@\""
run; said 'using sudo'; said 'installed: libspng-dev'
grep -q '^sudo' "$box/log"

# dnf
rm "$box/apt-get"; : >"$box/have"
stand_in rpm "grep -qx \"\$4\" $box/have"
stand_in dnf "shift 2; for p; do echo \$p >>$box/have; done"
stand_in id 'echo 0'
run; said 'to install with dnf: gcc .*libcmocka-devel'
run; said 'nothing to install'

# a package manager that says yes and installs nothing is not believed
: >"$box/have"; stand_in dnf true
refused; said 'still missing'
