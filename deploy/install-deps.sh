#!/bin/sh
# Installs the packages that troupe needs and that are missing: deploy/install-deps.sh [--dry-run] [build|check]
#
#   build   what `make` needs to compile and what the programs need to run
#   check   that, and what `make check` needs besides (the default)
#
# Debian and its kin by apt-get, Fedora and its kin by dnf. Says what it installs, one line if there is nothing to do, and
# asks for root by sudo only then. Never asks a question.
set -eu

say() { echo "install-deps: $*"; }
die() { echo "install-deps: $*" >&2; exit 1; }

dry_run=no group=check
for argument; do
  case $argument in
    --dry-run) dry_run=yes ;;
    build | check) group=$argument ;;
    *) echo "install-deps: $argument: unknown; expected [--dry-run] [build|check]" >&2; exit 2 ;;
  esac
done

if command -v apt-get >/dev/null; then
  manager=apt
  wanted="gcc libc6-dev make pkg-config flex openmpi-bin libopenmpi-dev libopenblas-dev libhdf5-dev libyaml-dev
    libjansson-dev libturbojpeg0-dev libspng-dev libxxhash-dev libstemmer-dev libzip-dev"
  [ "$group" = build ] || wanted="$wanted libcmocka-dev clang libomp-dev"
elif command -v dnf >/dev/null; then
  manager=dnf
  wanted="gcc make pkgconf-pkg-config flex openmpi openmpi-devel openblas-devel hdf5-devel libyaml-devel
    jansson-devel turbojpeg-devel libspng-devel xxhash-devel libstemmer-devel libzip-devel"
  [ "$group" = build ] || wanted="$wanted libcmocka-devel clang libomp-devel compiler-rt"
else
  die "neither apt-get nor dnf is here; install what the README lists under Requirements by hand"
fi

is_installed() {
  case $manager in
    apt) dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^.i' ;;
    dnf) rpm -q --quiet --whatprovides "$1" 2>/dev/null ;;
  esac
}

missing=
for package in $wanted; do is_installed "$package" || missing="$missing $package"; done
missing=${missing# }
if [ -z "$missing" ]; then say "nothing to install"; exit 0; fi

say "to install with $manager: $missing"
[ "$dry_run" = no ] || exit 0
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
  say "this needs root: using sudo"
else
  die "this needs root, and there is no sudo. As root, run: deploy/install-deps.sh $group"
fi

# $missing and $as_root are lists of words
case $manager in
  apt)
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
      say "apt-get update failed; trying with the package lists that are here"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing ||
      die "apt-get could not install all of: $missing"
    ;;
  dnf) $as_root dnf install -y $missing || die "dnf could not install all of: $missing" ;;
esac

still=
for package in $missing; do is_installed "$package" || still="$still $package"; done
[ -z "$still" ] || die "still missing after the installation:$still"
say "installed: $missing"
