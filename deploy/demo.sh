#!/bin/sh
# The whole method on pictures that troupe draws itself: draw, prepare, pretrain, evaluate, train under mpirun, evaluate again, and
# show both. `make demo` installs and builds what this needs. Starts anew each time; leaves everything under runs/demo.
#   IMAGES=1200 ACTORS=2   how many pictures, how many actor ranks
set -eu
cd "$(dirname "$0")/.."
: "${BUILD:=build}" "${IMAGES:=1200}" "${ACTORS:=2}"
PATH=$PWD/$BUILD/bin:$PATH
run=runs/demo
config=deploy/configs/demo.yaml
began=$(date +%s)
step() { printf '\n== %s\n' "$*"; }

rm -rf "$run"
mkdir -p "$run"

step "1/7 draw $IMAGES pictures with five captions each; val and test have combinations that train never shows"
troupe scenes "$run/scenes" --images "$IMAGES"

step "2/7 prepare: pictures and captions into one dataset file"
troupe prepare --images "$run/scenes/Images" --captions "$run/scenes/captions.txt" \
  --split train="$run/scenes/train.txt" --split val="$run/scenes/val.txt" --split test="$run/scenes/test.txt" \
  --encoder patches --out "$run/scenes.h5"

step "3/7 stage 1: cross-entropy (troupe pretrain $config)"
troupe pretrain "$config"

step "4/7 evaluate on the test split"
troupe evaluate "$run/pretrain/checkpoints/best.h5" --data "$run/scenes.h5" --split test --json --per-image \
  >"$run/before.json"

step "5/7 stage 2: group-relative policy optimisation, one learner and $ACTORS actors (troupe train $config -n $ACTORS --trace)"
troupe train "$config" -n "$ACTORS" --trace

step "6/7 evaluate again"
troupe evaluate "$run/train/checkpoints/best.h5" --data "$run/scenes.h5" --split test --json --per-image \
  >"$run/after.json"

step "7/7 report: curves, timeline, pictures with captions before and after"
troupe report "$run/train" "$run/pretrain" --out "$run/report.html"

# Both files have a member a line. The captions shown are the first of the split, not chosen ones.
awk -v captions="$run/scenes/captions.txt" '
  function text(line) { sub(/^ *"[^"]*": /, "", line); sub(/,$/, "", line); gsub(/^"|"$/, "", line); return line }
  FNR == 1 { file++; id = "" }
  /^    "[^"]*": \{/ { id = $1; gsub(/[":]/, "", id); if (file == 1 && count < 4) shown[++count] = id; next }
  /^ *"CIDEr": / { value = text($0) + 0; if (id == "") cider[file] = value; else reward[file, id] = value }
  /^ *"(Bleu_4|ROUGE_L)": / && id == "" { name = $1; gsub(/[":]/, "", name); score[file, name] = text($0) + 0 }
  /^ *"caption": / { caption[file, id] = text($0) }
  END {
    while ((getline line < captions) > 0) {
      comma = index(line, ","); name = substr(line, 1, comma - 1)
      if (!(name in truth)) truth[name] = substr(line, comma + 1)
    }
    for (i = 1; i <= count; i++) {
      id = shown[i]
      printf "\n%s   (a person: %s)\n", id, truth[id]
      printf "  before  %6.3f  %s\n", reward[1, id], caption[1, id]
      printf "  after   %6.3f  %s\n", reward[2, id], caption[2, id]
    }
    print "\nThe number before a caption is its CIDEr-D, the reward of stage 2 (0 to 10).\n"
    print  "test split, greedy             CIDEr   BLEU-4  ROUGE-L"
    printf "after stage 1 (cross-entropy)  %.3f   %.3f   %.3f\n", cider[1], score[1, "Bleu_4"], score[1, "ROUGE_L"]
    printf "after stage 2 (GRPO)           %.3f   %.3f   %.3f\n", cider[2], score[2, "Bleu_4"], score[2, "ROUGE_L"]
    if (!(cider[2] > cider[1])) { print "stage 2 did not improve on stage 1" > "/dev/stderr"; exit 1 }
  }' "$run/before.json" "$run/after.json"
seconds=$(($(date +%s) - began))
printf '\n%d:%02d minutes. Runs: %s/pretrain and %s/train. Open %s/report.html; a picture of yours: troupe caption %s/train/checkpoints/best.h5 FILE\n' \
  $((seconds / 60)) $((seconds % 60)) "$run" "$run" "$run" "$run"
