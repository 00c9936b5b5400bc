#!/bin/sh
# A Debian package of programs that are built: deploy/packaging/deb.sh STAGE FOLDER
#   STAGE   where `make install PREFIX=/usr DESTDIR=STAGE` has put them
#   FOLDER  where troupe_VERSION_ARCHITECTURE.deb comes to
# By dpkg-deb; what it depends on by dpkg-shlibdeps. Needs no root and no network. DEB_MAINTAINER: "NAME <ADDRESS>" of who hands it out.
set -eu
die() { echo "deb: $*" >&2; exit 1; }
[ $# = 2 ] || die "STAGE and FOLDER were expected"
for tool in dpkg-deb dpkg-shlibdeps dpkg; do command -v "$tool" >/dev/null || die "$tool is missing: install dpkg-dev"; done
cd "$(dirname "$0")/../.."
stage=$1 folder=$2
case $stage in /*) ;; *) stage=$PWD/$stage ;; esac

# 1.2.3-4-gabc, after the tag v1.2.3: Debian keeps '-' for its own revisions
version=$(deploy/version.sh | sed -e 's/-dirty$/+dirty/' -e 's/-/+/' -e 's/-/./g')
architecture=$(dpkg --print-architecture)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/debian" "$stage/usr/share/doc/troupe" "$stage/DEBIAN"
echo 'Source: troupe' >"$work/debian/control" # dpkg-shlibdeps wants one
depends=$(cd "$work" && dpkg-shlibdeps -O "$stage"/usr/bin/* 2>"$work/log" | sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { cat "$work/log" >&2; die "dpkg-shlibdeps found no libraries"; }
case $depends in *libmpich*) mpirun=mpich ;; *) mpirun=openmpi-bin ;; esac # of the MPI that it is built with

find "$stage/usr/bin" -type f -exec strip --strip-unneeded {} +
find "$stage/usr/share/man" -type f ! -name '*.gz' -exec gzip -9nf {} +
rm "$stage/usr/share/doc/troupe/CHANGELOG.md" "$stage/usr/share/doc/troupe/LICENSE" # as Debian has them
gzip -9nc CHANGELOG.md >"$stage/usr/share/doc/troupe/changelog.gz"
{
  echo 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/'
  printf '\nFiles: *\nCopyright: the authors of troupe\nLicense: Apache-2.0\n On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.\n'
} >"$stage/usr/share/doc/troupe/copyright"

cat >"$stage/DEBIAN/control" <<CONTROL
Package: troupe
Version: $version
Architecture: $architecture
Section: science
Priority: optional
Maintainer: ${DEB_MAINTAINER:-the authors of troupe <troupe@localhost>}
Installed-Size: $(du -sk "$stage/usr" | cut -f 1)
Depends: $depends, $mpirun
Description: fine-tunes image captioners by reinforcement learning over MPI
 One learner and many actors: cross-entropy first, then group-relative policy
 optimisation with CIDEr-D and other metrics as rewards. Built with
 ${FLAGS:-default options}.
CONTROL
(cd "$stage" && find usr -type f -exec md5sum {} + | sort -k 2 >DEBIAN/md5sums)
find "$stage" -type d -exec chmod 755 {} +
mkdir -p "$folder"
dpkg-deb --root-owner-group --build "$stage" "$folder/troupe_${version}_$architecture.deb"
