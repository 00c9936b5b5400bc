#!/bin/sh
# The version of this tree: of the file VERSION, which `make dist` puts into a tarball; else of git's tags (v1.2.3, with commits
# since, commit and -dirty behind it); else common/base/version.h's alone.
cd "$(dirname "$0")/.." || exit 1
base=$(sed -n 's/^#define TROUPE_VERSION "\(.*\)"/\1/p' common/base/version.h)
if [ -f VERSION ]; then
  head -n 1 VERSION
elif [ "$(git rev-parse --show-cdup 2>/dev/null)" != "" ] || ! git rev-parse HEAD >/dev/null 2>&1; then
  echo "$base" # no repository, or one that only holds this tree
elif tagged=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null); then
  echo "${tagged#v}"
else
  echo "$base-$(git describe --always --dirty --exclude '*')"
fi
