#!/bin/sh
# deploy/reproduce.sh on a tiny data set: methods within their budget of captions, results, table; again: nothing is done
# twice. troupe compare on evaluations made up here: means, spreads, differences, what lacks, what is refused.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/mpi/tiny.sh"
work=${work:?}
cd "$work" || exit 1

# compare
mkdir results
make_result() { # FILE CIDER OF THREE PICTURES
  printf '{"corpus": {"CIDEr": %s, "Bleu_4": 0.25}, "mean_length": 9.5, "per_image": {"a": {"CIDEr": %s}, "b": {"CIDEr": %s}, "c": {"CIDEr": %s}}}\n' \
    "$2" "$3" "$4" "$5" >"results/$1"
}
make_result base-s1.greedy.json 0.5 0.4 0.5 0.6
make_result base-s2.greedy.json 0.7 0.6 0.7 0.8
make_result new-s1.greedy.json 0.8 0.7 0.8 0.9
printf '{"corpus": {}, "diversity": {"distinct_1": 0.5}, "per_image": {}}\n' >results/new-s1.samples.json
echo other >results/notes.txt
troupe compare results --against base --seeds 2 >out || fail "compare"
says() { grep -qF -- "$1" "${2:-out}" || { cat out err >&2; fail "expected: $1"; }; }
says '| base | 2 | – | – | – | 0.250 ± 0.000 | – | – | 0.600 ± 0.141 | 9.500 ± 0.000 |'
says '| new | 1 | – | – | – | 0.250 | – | – | 0.800 | 9.500 |'
says '| new | 1 | 0.500 |'
says '| new − base | greedy | +0.300 | +0.300 to +0.300 | +60.0 % | 3 | 1 |' # of seed 1, which both have
says 'Lacks: new has 1 of 2 seeds.'
says 'Lacks: new-s1.beam5.json.'
says 'Lacks: base-s2.samples.json.'
troupe compare results --rows new,none >out || fail "compare --rows"
says '| none | 0 |'
if grep -q '| base ' out; then fail "--rows shows other rows"; fi
refuses() { # PATTERN ARGUMENTS...
  pattern=$1
  shift
  troupe compare "$@" >out 2>err
  [ $? = 2 ] || fail "compare $*: not refused"
  says "$pattern" err
}
refuses "no row 'old'" results --against old
refuses 'nowhere: No such file' nowhere
refuses 'nothing' --nothing
mkdir empty
refuses 'empty: holds no results' empty
refuses 'one folder' results results
printf '{"corpus": {"CIDEr": 1}, "per_image": {"a": {"CIDEr": 1}, "z": {"CIDEr": 1}, "c": {"CIDEr": 1}}}\n' >results/new-s2.greedy.json
refuses 'other pictures' results --against base
echo '[]' >results/new-s2.greedy.json
refuses 'new-s2.greedy.json: what' results

# the experiment
tiny_data
troupe prepare --images "$work/scenes/Images" --captions "$work/scenes/captions.txt" --split train="$work/scenes/train.txt" \
  --split choose="$work/scenes/val.txt" --split report="$work/scenes/test.txt" --out "$work/splits.h5" >&2 || fail "prepare"
reproduce() {
  DATA=$work/splits.h5 CONFIG=$work/tiny.yaml OUT=$work/out.d METHODS='scst grpo-paper' SEEDS=1 LRS='1e-3 2e-3' BUDGET=320 EVALUATIONS=1 SAMPLES=2 JOBS=2 \
    SET='--set policy.images_per_iteration=32 --set pretrain.epochs=1' "$root/deploy/reproduce.sh" >out 2>err || { tail -20 err >&2; fail "reproduce"; }
}
reproduce
table=$work/out.d/table.md
for row in xe scst-lr grpo-paper-lr; do grep -q "^| $row.* | 1 | 0\." "$table" || { cat "$table" >&2; fail "no row $row"; }; done
if grep -q Lacks "$table"; then cat "$table" >&2; fail "the table lacks something"; fi
[ "$(find "$work/out.d/results" -name '*.json' | wc -l)" = 15 ] || fail "15 results were expected: five runs, three ways"
for run in "scst-lr1e-3-s1 5" "scst-lr2e-3-s1 5" "grpo-paper-lr2e-3-s1 2"; do
  grep -q "\"iteration\": ${run#* }[,}]" "$work/out.d/${run% *}/status.json" || fail "${run% *} has not ${run#* } iterations"
done
reproduce
if grep -q '== [a-z].*-s1' out; then fail "a finished run was done again"; fi
[ -s "$table" ] || fail "the table is gone"
for config in "$root"/deploy/configs/reproduce/*.yaml; do
  troupe train "$config" --print-config >out 2>err || fail "$config"
done
exit 0
