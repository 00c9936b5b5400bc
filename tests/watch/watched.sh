#!/bin/sh
# Pre-training, training with two actors, a third that joins another run, evaluation and captions of a tiny model, each rank and program under a checker:
#   tests/watch/watched.sh valgrind    memory errors and leaks, by valgrind: BUILD is to be without sanitizers, and for a processor it knows
#   tests/watch/watched.sh tsan        data races, by ThreadSanitizer: BUILD is clang's with -fsanitize=thread and its OpenMP
# What the checker has to say of troupe fails it; of the libraries (tests/watch/valgrind.supp, tests/watch/tsan.supp) it is left out.
set -u
cd "$(dirname "$0")/../.." || exit 1
root=$PWD checker=$1
# shellcheck source=tests/mpi/tiny.sh
. tests/mpi/tiny.sh
mkdir "$work/bin" "$work/said"
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

case $checker in
  valgrind)
    command -v valgrind >/dev/null || { echo "check-valgrind: valgrind is not there: apt install valgrind" >&2; exit 1; }
    watch="valgrind -q --leak-check=full --errors-for-leak-kinds=definite --num-callers=40 --suppressions=$root/tests/watch/valgrind.supp
      --log-file=$work/said/%p" ;;
  tsan)
    export TSAN_OPTIONS="suppressions=$root/tests/watch/tsan.supp ignore_noninstrumented_modules=1 log_path=$work/said/t"
    export OMP_TOOL_LIBRARIES="${ARCHER:-libarcher.so}"
    watch="" ;;
  *) echo "usage: tests/watch/watched.sh valgrind|tsan" >&2; exit 2 ;;
esac
# troupe starts what lies beside it
for program in troupe troupe-learner troupe-actor; do
  # shellcheck disable=SC2086 # a list of words
  printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$(echo $watch)" "$BUILD/bin/$program" >"$work/bin/$program"
  chmod +x "$work/bin/$program"
done
cp "$BUILD/bin/troupe" "$work/bin/troupe"
PATH=$work/bin:$PATH

tiny_data || { cat "$work"/said/*; exit 1; }
# shellcheck disable=SC2086
$watch "$BUILD/bin/troupe" prepare --images "$work/scenes/Images" --captions "$work/scenes/captions.txt" \
  --split train="$work/scenes/train.txt" --encoder patches --out "$work/again.h5" >&2 || { cat "$work"/said/*; fail "prepare"; }
small="--set pretrain.epochs=1 --set policy.iterations=2 --set policy.images_per_iteration=8 --set policy.minibatch_images=4
  --set actors.heartbeat_s=10 --set actors.timeout_s=300 --set actors.start_timeout_s=300 --set learner.threads=2"
# shellcheck disable=SC2086 # lists of words
troupe pretrain "$work/tiny.yaml" $small --set run.dir="$work/xe" >&2 || fail "pretrain"
# shellcheck disable=SC2086
troupe train "$work/tiny.yaml" -n 2 $small --set actors.lag=1 --set run.dir="$work/grpo" \
  --set policy.init="$work/xe/checkpoints/best.h5" >&2 || fail "train"
hash_of "$work/grpo" >/dev/null
# an actor joins a run that goes on, and leaves it
if mpirun --version | grep -q '(Open MPI) 4'; then
  # shellcheck disable=SC2086
  troupe train "$work/tiny.yaml" -n 1 $small --set policy.iterations=2000 --set actors.joinable=true --set run.dir="$work/joined" \
    2>"$work/log" &
  launcher=$!
  wait_s=120
  wait_for_iteration "$work/joined" 1
  troupe join "$work/joined" -n 1 >&2 &
  guests=$!
  wait_for 'actor 2 joined' "$work/log"
  kill -TERM $guests
  wait_for 'actor 2 leaves' "$work/log"
  kill -TERM $launcher
  wait $guests || fail "troupe join: exit $?"
  wait $launcher || fail "the run that was joined: exit $?: $(cat "$work/log")"
fi
picture=$(find "$work/scenes/Images" -name '*.jpg' | sort | head -n 1)
troupe evaluate "$work/grpo/checkpoints/best.h5" --data "$work/scenes.h5" --split val >&2 || fail "evaluate"
troupe caption "$work/grpo/checkpoints/best.h5" "$picture" --beam 3 >&2 || fail "caption"
said=$(find "$work/said" -type f -size +0 | wc -l)
[ "$said" = 0 ] && { echo "$checker: prepare, pretrain, train (2 actors, lag 1, 2 threads; an actor that joins), evaluate, caption: nothing to say"; exit 0; }
find "$work/said" -type f -size +0 -exec cat {} + | head -n 200
fail "$checker spoke up in $said processes"
