#!/bin/sh
# How captions are decoded is said by the checkpoint's configuration and by options over it: evaluate and caption with beam,
# groups, minimum length, no repeated n-grams, temperature and truncation; a run with sampling rules logs what they kept.
set -u
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
run=${work:?}/run best=$work/run/checkpoints/latest
troupe train "$work/tiny.yaml" -n 1 --set policy.iterations=1 --set run.dir="$run" --set sampling.top_k=5 \
  --set sampling.min_length=3 --set evaluation.every=1 --set evaluation.beam=4 --set evaluation.beam_groups=2 \
  --set evaluation.length_penalty=0.7 >&2 || fail "a run with rules and a diverse beam"
grep -q '"sampling/kept_mass":0\.[0-9]' "$run/metrics.jsonl" || fail "no sampling/kept_mass below 1 in metrics.jsonl"
grep -q '"eval/CIDEr"' "$run/metrics.jsonl" || fail "no evaluation"

evaluate() { # NAME OPTIONS...: captions in $work/NAME.json, the log in $work/NAME.log
  name=$1; shift
  troupe evaluate "$best" --data "$work/scenes.h5" --split val --out "$work/$name.json" "$@" >"$work/$name.txt" \
    2>"$work/$name.log" || { cat "$work/$name.log" >&2; fail "troupe evaluate $*"; }
}
same() { cmp -s "$work/$1.json" "$work/$2.json"; }
evaluate kept
grep -q 'beam 4' "$work/kept.log" || fail "evaluate did not take evaluation.beam from the checkpoint"
evaluate given --beam 4 --beam-groups 2 --length-penalty 0.7 --min-length 3 --diversity 0.5 -n 1
same kept given || fail "the checkpoint's configuration and the same options differ"
evaluate greedy --beam 1
grep -q 'beam 1)' "$work/greedy.log" || fail "--beam 1 is not greedy"
evaluate ruled --beam 1 --min-length 6 --no-repeat-ngram 1
grep -o '"caption": *"[^"]*"' "$work/ruled.json" | cut -d'"' -f4 | awk '
  { split("", seen); for (i = 1; i <= NF; i++) bad += seen[$i]++; bad += NF < 6; lines++ }
  END { exit bad > 0 || lines < 12 }' || fail "--min-length 6 --no-repeat-ngram 1 was not kept"
troupe evaluate "$best" --data "$work/scenes.h5" --split val --beam 3 --beam-groups 2 2>"$work/err" && fail "beam 3 in 2 groups"
grep -q 'beam_groups 2' "$work/err" || fail "3 beams in 2 groups: $(cat "$work/err")"
troupe evaluate "$best" --data "$work/scenes.h5" --split val --min-length 400 2>"$work/err" && fail "--min-length 400"
grep -q 'min_length 400' "$work/err" || fail "--min-length 400: $(cat "$work/err")"

image=$(find "$work/scenes/Images" -name '*.jpg' | sort | head -1)
captions() { troupe caption "$best" "$image" "$@" 2>"$work/err" || { cat "$work/err" >&2; fail "troupe caption $*"; }; }
[ "$(captions | wc -l)" = 2 ] || fail "caption: not a caption from each of the two groups"
[ "$(captions --beam-groups 1 | wc -l)" = 1 ] || fail "caption: one group, not one caption"
[ "$(captions --beam 1 --beam-groups 1)" = "$(captions --samples 1 --top-k 1)" ] || fail "top-k 1 is not greedy"
[ "$(captions --samples 1 --temperature 0.01 --top-k 0)" != "$(captions --samples 1 --temperature 5 --top-k 0)" ] ||
  fail "--temperature does nothing" # 0.01 need not be greedy: this model has hardly learned, its logits tie
[ "$(captions --samples 8 --top-p 1 --top-k 0 --temperature 3 | sort -u | wc -l)" -gt 1 ] || fail "samples are all alike"
# --why: a tile for each word, with a heat map of every cell; a second picture of that name has a file of its own
words=$(captions --why "$work/why" | cut -f 2 | wc -w)
why=$work/why/$(basename "$image").svg
[ "$(grep -c '<text' "$why")" = "$words" ] || fail "--why: $(grep -c '<text' "$why") words of $words"
[ "$(grep -o "<rect x=" "$why" | wc -l)" = $((49 * words)) ] || fail "--why: not a cell each"
troupe caption "$best" "$image" "$image" --why "$work/why" >"$work/out" 2>&1 || fail "--why of two"
[ -s "${why%.svg}.2.svg" ] || fail "--why: the second of that name"
[ "$(captions --samples 3 --seed 4)" = "$(captions --samples 3 --seed 4)" ] || fail "the same seed gave other samples"
echo "the checkpoint's configuration and the options decide"
