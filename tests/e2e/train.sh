#!/bin/sh
# What a run refuses before any rank starts, and leaves alone: a folder of another run, learner, dataset or model; and
# signals at awkward moments: before the ranks have met, and twice.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
c=${work:?}/tiny.yaml run=$work/run

refuses() { # PATTERN VERB ARGUMENTS...: exit 2, one line on stderr
  pattern=$1
  shift
  troupe "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [ $code = 2 ] || { cat "$work/err" >&2; fail "exit $code, not 2: troupe $*"; }
  grep -q "^troupe $1: .*$pattern" "$work/err" ||
    { cat "$work/err" >&2; fail "stderr does not say '$pattern': troupe $*"; }
  [ "$(grep -vc 'resuming from' "$work/err")" = 1 ] || { cat "$work/err" >&2; fail "more than one line: troupe $*"; }
}

# a learner without the memory that it needs (looked at below): it says so, and mpirun does not wait for its actors
(
  # shellcheck disable=SC3045 # dash and bash have it
  ulimit -v 8000000
  troupe train "$c" -n 1 --set run.dir="$work/memory" --set policy.group=256 --set policy.minibatch_images=32 \
    --set model.d_ff=65536 --set actors.chunk_images=1 2>"$work/memory.err"
) &
memory=$!

# more threads than cores sleep while they wait, unless the user has said how: by a stand-in for mpirun
mkdir "$work/bin"
cat >"$work/bin/mpirun" <<SH
#!/bin/sh
[ "\$1" = --version ] && echo "mpirun (Open MPI) 4.1.4" || echo "\${OMP_WAIT_POLICY-unset}" >"$work/policy"
SH
chmod +x "$work/bin/mpirun"
waits() { # POLICY ARGUMENTS...
  policy=$1
  shift
  PATH=$work/bin:$PATH "$@" train "$c" -n 1 --set run.dir="$work/waits" 2>"$work/err"
  [ "$(cat "$work/policy")" = "$policy" ] || { cat "$work/err" >&2; fail "OMP_WAIT_POLICY is not $policy: $*"; }
}
waits passive env -u OMP_WAIT_POLICY troupe
waits active env OMP_WAIT_POLICY=active troupe

# wrong input
refuses 'runs/none/pretrain/checkpoints/best.h5: no such checkpoint' train "$c" --set run.name=none --set policy.init=
refuses 'images_per_iteration 1000 is above the 96 images' train "$c" --set policy.images_per_iteration=1000
refuses "no split 'nosuch'" train "$c" --set data.validation=nosuch
TROUPE_METEOR=$work/none.bin
export TROUPE_METEOR
refuses "rewards.meteor.weight: $work/none.bin: No such file.*deploy/fetch-meteor.sh" train "$c" \
  --set rewards.meteor.weight=1
unset TROUPE_METEOR
refuses '-n: stage 1 has no actors' pretrain "$c" -n 2
printf 'a pipe' | troupe train /dev/stdin 2>/dev/null && fail "a configuration in a pipe was taken"
if [ -e "$run" ] || [ -e runs/none ]; then fail "a refused run left its folder"; fi

# a run, with more --set than fit a fixed list; its printed configuration is the same configuration
many=$(for _ in $(seq 80); do printf -- '--set policy.group=5 '; done)
troupe train "$c" -n 1 $many --set policy.iterations=1 --set run.dir="$run" --profile --trace 2>"$work/err" ||
  fail "a run with many --set"
grep -q '^learner: backward *[1-9][0-9]* *[0-9.]* *[0-9.]*% *[0-9.]*$' "$work/err" || fail "no profile of the learner"
grep -q '^learner: decode *[1-9][0-9]* *[0-9.]* *[0-9.]*% *[0-9.]* *[0-9.]* (1) *[0-9.]* (1)$' "$work/err" ||
  { cat "$work/err" >&2; fail "no profile of the actor"; }
for event in 'iteration 1", "ph": "X", "pid": 0' 'backward", "ph": "X", "pid": 0' 'rollout 0, chunk 0", "ph": "X", "pid": 1'; do
  sed 's/":/": /g; s/,"/, "/g' "$run/trace.json" | grep -qF "\"name\": \"$event" || fail "no $event in the trace"
done
troupe train "$run/config.yaml" --print-config >"$work/printed.yaml" || fail "--print-config"
troupe train "$work/printed.yaml" --print-config | cmp -s - "$work/printed.yaml" ||
  fail "the printed configuration is another"

# a folder that holds another run stays as it is
cp -r "$run" "$work/before"
troupe prepare --images "$work/scenes/Images" --captions "$work/scenes/captions.txt" \
  --split train="$work/scenes/train.txt" \
  --split val="$work/scenes/val.txt" --out "$work/new/folder/other.h5" >&2 || fail "prepare into a new folder"
for verb in train pretrain; do
  refuses 'run.resume is never' $verb "$c" --set run.dir="$run" --set run.resume=never
  refuses 'd_model 32 (now 64)\|stage train' $verb "$c" --set run.dir="$run" --set model.d_model=64
  refuses 'dataset\|stage train' $verb "$c" --set run.dir="$run" --set data.file="$work/new/folder/other.h5"
done
refuses 'run.seed 5 (now 6), policy.advantage grpo (now rloo), optimizer.lr 0.001 (now 0.002); the same' train "$c" \
  --set run.dir="$run" --set run.seed=6 --set policy.advantage=rloo --set optimizer.lr=2e-3
diff -r "$run" "$work/before" >&2 || fail "a refused start changed the folder"

# made longer it goes on, and says so
troupe train "$c" -n 1 --set policy.iterations=2 --set run.dir="$run" 2>"$work/err" || fail "a longer run"
grep -q 'policy.iterations was 1 and is now 2' "$work/err" ||
  { cat "$work/err" >&2; fail "no word of more iterations"; }

# without evaluations there is no best
troupe train "$c" -n 1 --set policy.iterations=1 --set evaluation.every=0 --set run.dir="$work/blind" 2>"$work/err" ||
  fail "a run without evaluations"
grep -q 'finished: not evaluated, weights' "$work/err" ||
  { cat "$work/err" >&2; fail "the last line of a run without evaluations"; }

# a second learner in the folder is refused, by mpirun alone as well, and does not disturb the first; TERM twice ends it
troupe train "$c" -n 1 --set policy.iterations=100000 --set run.dir="$work/busy" >&2 &
first=$!
wait_for_iteration "$work/busy" 2
refuses 'another learner works in this run folder' train "$c" -n 1 --set run.dir="$work/busy"
refuses 'another learner works in this run folder' pretrain "$c" --set run.dir="$work/busy"
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe \
  -np 1 troupe-learner "$c" --set run.dir="$work/busy" : -np 1 troupe-actor "$c" --set run.dir="$work/busy" >&2 &&
  fail "a second learner started"
grep -q '"phase": "running"' "$work/busy/status.json" || fail "the second learner wrote the first one's status.json"
kill -TERM "$first"
kill -TERM "$first"
wait "$first"
troupe inspect "$work/busy" >&2 || fail "a run stopped twice left a damaged folder"

# a stop before the ranks have met: soon, with code 0, whatever moment it hits
for moment in 0.15 0.3 0.6; do
  troupe train "$c" -n 2 --set policy.iterations=100000 --set run.dir="$work/early$moment" >&2 &
  launcher=$!
  sleep $moment
  kill -TERM "$launcher"
  wait "$launcher"
  code=$?
  [ $code = 0 ] || [ $code = 143 ] || fail "TERM after $moment s: exit $code" # 143: the launcher had not begun
  status=$work/early$moment/status.json
  [ ! -e "$status" ] || grep -q '"phase": "stopped"' "$status" || { cat "$status" >&2; fail "TERM after $moment s"; }
done

wait "$memory"
code=$?
[ $code = 1 ] || { cat "$work/memory.err" >&2; fail "a learner without memory: exit $code"; }
grep -q '^learner: out of memory: [0-9]* bytes were asked for' "$work/memory.err" || fail "no word of the memory"
grep -q '"message": "out of memory' "$work/memory/status.json" || fail "status.json does not speak of the memory"
exit 0
