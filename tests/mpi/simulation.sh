#!/bin/sh
# The simulation behind make bench-smpi and check-smpi, of a few ranks: a run of the real protocol comes near its bound and not
# above it, and says the same twice, for time in it is simulated; and no rollout is lost when nodes fail.
set -u
cd "$(dirname "$0")/../.." || exit 1
for program in smpicc smpirun python3; do
  command -v $program >/dev/null 2>&1 || { echo "no $program (libsimgrid-dev, python3)"; exit 77; }
done
BUILD=${BUILD:-build}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
make -s BUILD="$BUILD" "$BUILD/smpi/simulation" || exit 1

simulate() { # LAG
  BUILD=$BUILD TROUPE_BENCH_OUT='' python3 tests/smpi/smpi.py --actors 6 --learners 2 --lag "$1" --floats 300000 \
    --sampling 5000 --reference 6000 --update 1000 --iterations 2 | tail -1
}
BUILD=$BUILD python3 tests/smpi/chaos.py --seeds 1-4 --actors 12 --cores 2 || { echo "with failing nodes" >&2; exit 1; }
for lag in 1 0; do
  simulate $lag >"$scratch/one" || exit 1
  simulate $lag >"$scratch/two" || exit 1
  cat "$scratch/one"
  cmp "$scratch/one" "$scratch/two" || { echo "lag $lag: two simulations differ" >&2; exit 1; }
  awk -F'|' -v lag=$lag '{ share = $6 + 0 } END { exit !(share >= 75 && share <= 101) }' "$scratch/one" ||
    { echo "lag $lag: the rate is not near its bound" >&2; exit 1; }
done
