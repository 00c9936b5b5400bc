#!/bin/sh
# --dry-run: a plan of either stage, with nothing written; its memory against that of the ranks of a short run.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
c=${work:?}/plan.yaml run=$work/run
cat >"$c" <<YAML
run: {seed: 5}
data: {file: $work/scenes.h5}
model: {d_model: 512, heads: 8, d_ff: 2048}
pretrain: {epochs: 2, batch_images: 8}
policy: {init: random, group: 2, images_per_iteration: 16, minibatch_images: 8, iterations: 2}
actors: {chunk_images: 4}
evaluation: {every: 2, images: 4}
checkpoint: {every: 1}
YAML
before=$(find "$work" | sort)

expect 0 troupe train "$c" -n 2 --dry-run --set run.dir="$run"
for line in 'run  *stage 2, .*/run$' 'ranks  *1 learner of [1-9].* 2 actors' 'data  *96 pictures of split train, 49 cells' \
  'work  *2 iterations of 16 pictures x 2 captions, 2 steps each: 4 steps' 'captions  *64, about [0-9,]* tokens' \
  'memory  *the learner [0-9]' 'memory  *an actor [0-9].* for all 2' 'disk  *a checkpoint [0-9]* MiB, at most 4' \
  'time  *an iteration [0-9.]* s: .* 2 evaluations of'; do
  has "^$line"
done
cp "$work/out" "$work/train.plan"
expect 0 troupe train "$c" --dry-run --set actors.lag=1 --set learner.ranks=2 --set run.dir="$run"
has '^ranks  *2 learners of'
expect 0 troupe train "$c" --dry-run --set policy.advantage=scst --set policy.xe=0.1 --set run.dir="$run"
has '^captions  *96,' # greedy baselines, too
expect 0 troupe pretrain "$c" --dry-run --set run.dir="$run"
has '^work  *2 epochs of 12 steps of 8 pictures x 5 captions'
has '^time  *an epoch [0-9.]* s, its evaluation'
expect 2 troupe train "$c" --dry-run --set policy.images_per_iteration=1000
says 'images_per_iteration 1000 is above the 96 images'
[ "$(find "$work" | sort | grep -v '/\(out\|err\|train.plan\)$')" = "$(echo "$before" | grep -v '/\(out\|err\)$')" ] ||
  fail "a dry run wrote something"

# The same ranks in a run: an mpirun that has each watched, for the most memory that it had, in MiB.
mkdir "$work/bin"
cat >"$work/bin/rank" <<'SH'
#!/bin/sh
# PROGRAM ARGUMENTS...: troupe-learner.PID or troupe-actor.PID has the program's peak while it lives
"$@" &
while kill -0 $! 2>/dev/null; do
  peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$!/status 2>/dev/null)
  [ -n "$peak" ] && echo $((peak / 1024)) >"$watched/${1##*/}.$!"
  sleep 0.05
done
wait $!
SH
cat >"$work/bin/mpirun" <<SH
#!/bin/sh
for word; do
  shift
  case \$word in */troupe-learner | */troupe-actor) set -- "\$@" "$work/bin/rank" ;; esac
  set -- "\$@" "\$word"
done
exec "$(command -v mpirun)" "\$@"
SH
chmod +x "$work/bin/rank" "$work/bin/mpirun"
watched=$work PATH=$work/bin:$PATH troupe train "$c" -n 2 --set run.dir="$run" >"$work/log" 2>&1 || {
  cat "$work/log" >&2
  fail "the run"
}
near() { # NAME FILE: planned within 15 % of had
  planned=$(sed -n "s/^memory  *$1 \([0-9]*\) MiB.*/\1/p" "$work/train.plan")
  had=$(cat "$work/$2".* | sort -n | tail -n 1)
  echo "$1: planned $planned MiB, had $had MiB"
  [ $((planned * 100 / had)) -ge 85 ] || fail "$1 had more than planned"
  [ $((planned * 100 / had)) -le 115 ] || fail "$1 had less than planned"
}
near 'the learner' troupe-learner
near 'an actor' troupe-actor

expect 0 troupe train "$c" -n 1 --dry-run --set run.dir="$run" --set policy.iterations=4
has '^resumes  *after 2 of 4 iterations'
has '^work  *2 iterations'
