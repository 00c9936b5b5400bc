#!/bin/sh
# Proves the README's words on a machine that has nothing: a minimal Debian root by debootstrap with git and make only, a clean
# clone of this repository's HEAD, and `make check` in it. Needs root and debootstrap; not part of `make check`.
#
#   CLEAN_ROOT   where the roots live (default build/clean-root); the bare one is kept there, so a second time is quick
#   SUITE        Debian release (default bookworm)
#   MIRROR       debootstrap's mirror (default: the first one in this machine's apt sources, or Debian's)
#   DATA         folder bound to ../shared/data of the clone, read-only (default: none)
#   DEMO=1       runs `make demo` before, as the README has it
#   DEB=FILE     in place of that installs a Debian package (of `make deb`) and tries what it brought
#   KEEP=1       leaves the used root for a look
set -eu
die() { echo "clean-root: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "needs root, to debootstrap and chroot"
command -v debootstrap >/dev/null || die "debootstrap is missing: install debootstrap"
cd "$(dirname "$0")/.."

: "${CLEAN_ROOT:=build/clean-root}" "${SUITE:=bookworm}" "${DEMO:=0}" "${KEEP:=0}" "${DATA:=}" "${DEB:=}"
mkdir -p "$CLEAN_ROOT"
CLEAN_ROOT=$(cd "$CLEAN_ROOT" && pwd)
bare=$CLEAN_ROOT/$SUITE root=$CLEAN_ROOT/used
if [ -z "${MIRROR:-}" ]; then
  MIRROR=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
    sed -nE 's/^(URIs:|deb) (.* )?(https?:[^ ]*).*/\3/p' | head -n 1)
  [ -n "$MIRROR" ] || die "no mirror in /etc/apt; set MIRROR=URL of a Debian mirror"
fi

unmount() { for folder in data proc sys dev/shm dev; do
  case $folder in data) at=$root/work/shared/data ;; *) at=$root/$folder ;; esac
  if grep -q " $at " /proc/mounts; then umount "$at" || umount -l "$at"; fi
done; }
clean_up() {
  unmount
  grep -q " $root/" /proc/mounts && die "something is still mounted under $root; left as it is"
  if [ "$KEEP" = 1 ]; then echo "clean-root: left $root"; else rm -rf "$root"; fi
}

if [ ! -e "$bare/done" ]; then
  echo "clean-root: debootstrap $SUITE"
  rm -rf "$bare"
  mkdir -p "$CLEAN_ROOT/packages"
  debootstrap --variant=minbase --include=git,make,ca-certificates --cache-dir="$CLEAN_ROOT/packages" \
    "$SUITE" "$bare" "$MIRROR" >"$CLEAN_ROOT/debootstrap.log" 2>&1 || {
    tail -n 20 "$CLEAN_ROOT/debootstrap.log"
    die "debootstrap failed; its log is $CLEAN_ROOT/debootstrap.log"
  }
  rm -rf "$bare"/var/lib/apt/lists/* # a fresh machine has no package lists
  touch "$bare/done"
fi

trap clean_up EXIT
trap 'exit 130' INT TERM
unmount
rm -rf "$root"
cp -a "$bare" "$root"
rm -f "$root/done"
# this machine's way to the packages: sources, their keys, proxies, transports
for part in sources.list sources.list.d apt.conf.d preferences.d trusted.gpg trusted.gpg.d keyrings; do
  rm -rf "$root/etc/apt/$part"
  if [ -e "/etc/apt/$part" ]; then cp -a "/etc/apt/$part" "$root/etc/apt/$part"; fi
done
for file in /etc/resolv.conf /etc/hosts; do cp -L "$file" "$root$file" 2>/dev/null || true; done
for method in /usr/lib/apt/methods/*; do
  [ -e "$root$method" ] || cp -a "$method" "$root$method"
done
mkdir -p "$root/work/shared/data"
git clone -q --no-local . "$root/work/troupe"
for folder in proc sys dev dev/shm; do
  mount --bind "/$folder" "$root/$folder"
done
[ -z "$DATA" ] || { mount --bind "$DATA" "$root/work/shared/data" && mount -o remount,ro,bind "$root/work/shared/data"; }

# only the proxies are handed on from this environment
in_root() {
  env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    ${HTTP_PROXY:+HTTP_PROXY="$HTTP_PROXY"} ${HTTPS_PROXY:+HTTPS_PROXY="$HTTPS_PROXY"} \
    ${no_proxy:+no_proxy="$no_proxy"} ${OPENBLAS_CORETYPE:+OPENBLAS_CORETYPE="$OPENBLAS_CORETYPE"} \
    chroot "$root" sh -c "cd /work/troupe && $1"
}
began=$(date +%s)
code=0
if [ -n "$DEB" ]; then
  cp "$DEB" "$root/tmp/troupe.deb"
  in_root 'set -ex
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends /tmp/troupe.deb man-db >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
    cd /tmp
    troupe version --verbose
    man troupe | sed -n 1,8p
    man -w troupe-train troupe.yaml
    troupe scenes scenes --images 60
    troupe prepare --images scenes/Images --captions scenes/captions.txt --split train=scenes/train.txt --split val=scenes/val.txt \
      --encoder patches --out runs/demo/scenes.h5
    for stage in pretrain train; do
      troupe $stage /usr/share/troupe/configs/demo.yaml --set pretrain.epochs=1 --set policy.iterations=1 \
        --set policy.images_per_iteration=32
    done
    troupe caption runs/demo/train/checkpoints/best.h5 "$(ls scenes/Images/*.jpg | head -n 1)"
    apt-get -qq remove -y troupe >/dev/null
    test ! -e /usr/bin/troupe' || code=$?
  echo "clean-root: $DEB: exit $code, $(($(date +%s) - began)) s"
  exit $code
fi
if [ "$DEMO" = 1 ]; then
  in_root 'make demo' || code=$?
  echo "clean-root: make demo: exit $code, $(($(date +%s) - began)) s with the installation and the build"
  began=$(date +%s)
fi
checked=0
in_root 'make check' || checked=$?
echo "clean-root: make check: exit $checked, $(($(date +%s) - began)) s"
[ $code != 0 ] || code=$checked
exit $code
