# The layers hold in this tree, and the check that says so fails on each kind of violation.
set -eu
sh tests/check-layers.sh

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
expect_broken() { # FILE INCLUDE PATTERN
  rm -rf "${tree:?}"/* && mkdir -p "$tree/$(dirname "$1")"
  printf '/* x */\n#include %s\n' "$2" >"$tree/$1"
  if found=$(sh tests/check-layers.sh "$tree"); then echo "accepted: $1 including $2"; exit 1; fi
  case $found in "$1:2: "*$3*) ;; *) echo "wrong message: $found"; exit 1 ;; esac
}
expect_fine() { # FILE INCLUDE
  rm -rf "${tree:?}"/* && mkdir -p "$tree/$(dirname "$1")"
  echo "#include $2" >"$tree/$1"
  sh tests/check-layers.sh "$tree" || { echo "refused: $1 including $2"; exit 1; }
}
expect_broken common/base/a.c '"common/data/b.h"' 'base may not include data'
expect_broken common/data/a.c '"common/score/b.h"' 'data may not include score'
expect_broken common/tensor/a.h '"common/vision/b.h"' 'tensor may not include vision'
expect_broken common/model/a.c '"proto/b.h"' 'model may not include proto'
expect_broken common/tool/a.c '"actor/b.h"' 'tool may not include actor'
expect_broken proto/a.c '"learner/b.h"' 'proto may not include learner'
expect_broken actor/a.c '"learner/b.h"' 'actor may not include learner'
expect_broken learner/a.c '"actor/b.h"' 'learner may not include actor'
expect_broken actor/rollout.c '<mpi.h>' 'mpi.h is included only in'
expect_broken common/model/a.c '<cblas.h>' 'cblas.h is included only in'
expect_broken common/base/a.c '<yaml.h>' 'yaml.h is included only in'
expect_broken learner/a.c '<hdf5.h>' 'hdf5.h is included only in'
expect_broken common/odd/a.c '"common/base/b.h"' 'in no layer'
expect_broken common/data/a.c '"../base/b.h"' 'from the root'
expect_fine common/vision/a.c '"common/tensor/b.h"'
expect_fine common/model/a.c '<hdf5.h>'
expect_fine actor/main.c '<mpi.h>'
expect_fine learner/a.c '"proto/b.h"'
