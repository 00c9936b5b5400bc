#!/bin/sh
# troupe submit and the batch scripts without Slurm: a stand-in for sbatch runs the script, one for scontrol notes what it is
# told. (tests/slurm has the real ones.)
set -u
# shellcheck source=tests/expect.inc
. "$(dirname "$0")/../expect.inc"
mkdir "$work/bin"
PATH=$work/bin:$PATH
cd "$work" || exit 1
printf 'run: {name: tiny}\ndata: {file: scenes.h5}\n' >tiny.yaml

# without sbatch: a PATH with what a shell needs, and nothing of Slurm's
for program in sh env; do ln -s "$(command -v $program)" "bin/$program"; done
expect 2 env PATH="$work/bin" "$(command -v troupe)" submit tiny.yaml
says 'sbatch is not on PATH: runs/tiny/train/submit.sbatch is written'
bash -n runs/tiny/train/submit.sbatch || fail "not a script"

expect 0 troupe submit tiny.yaml --stage pretrain --nodes 2 --time 1:00:00 --set learner.ranks=2 --dry-run
has '^#SBATCH --nodes=2 --exclusive$'
has '^#SBATCH --time=1:00:00$'
has '" pretrain "\$@" &$'
expect 0 troupe submit tiny.yaml -n 6 --set learner.threads=2 --set actors.lag=1 --dry-run
has '^#SBATCH --ntasks=8$'
has "^set -- 'tiny.yaml' -n 6 --set 'learner.threads=2' --set 'actors.lag=1'\$"
for wrong in '--seeds=1;2' '--stage=both' '--time=soon' '--set=no.such=1' '--stage=pretrain -n 2' 'second.yaml' '--nodes=0'; do
  # shellcheck disable=SC2086 # a list of words
  expect 2 troupe submit tiny.yaml --dry-run $wrong
done

# the scripts: what they start, what a signal becomes, and when they queue again
cat >bin/worker <<'END'
#!/bin/sh
echo "$@" >began
trap 'echo stopped >>began; exit ${ENDS:-0}' USR1 TERM
[ -z "${SHORT:-}" ] || exit "$SHORT"
echo yes >ready
while :; do sleep 0.05; done
END
cat >bin/scontrol <<'END'
#!/bin/sh
echo "$@" >queued
END
chmod +x bin/worker bin/scontrol
export TROUPE=worker SLURM_JOB_ID=7
scripts=$(cd "$OLDPWD" && cd deploy/slurm && pwd) || exit 1
signalled() { # SIGNAL SCRIPT: sets $code
  rm -f began ready queued
  bash "$scripts/$2.sbatch" a.yaml --set 'x=a b' &
  script=$!
  wait_for yes ready
  kill -s "$1" "$script"
  wait "$script"
  code=$?
  grep -q "^$2 a.yaml --set x=a b\$" began || fail "$2 began as $(cat began)"
  grep -q stopped began || fail "$2 did not hear of $1"
}
for stage in train pretrain; do
  signalled USR1 $stage
  [ $code = 0 ] && grep -q '^requeue 7$' queued || fail "$stage: USR1 gave exit $code, $(cat queued)"
  signalled TERM $stage
  [ ! -e queued ] || fail "$stage queued again when it was cancelled"
  (export ENDS=2; signalled USR1 $stage; [ $code = 2 ] && [ ! -e queued ]) || fail "$stage queued wrong input again"
  rm -f queued
  for SHORT in 0 1 2; do
    SHORT=$SHORT bash "$scripts/$stage.sbatch" a.yaml
    code=$?
    [ $code = $SHORT ] && [ ! -e queued ] || fail "$stage: exit $code for $SHORT"
  done
done
