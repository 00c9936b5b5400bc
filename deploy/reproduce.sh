#!/bin/sh
# The paper's experiment: deploy/reproduce.sh [full]. Each step is skipped when its result is there, so it may be stopped and
# started again. Stage 1 for each seed; each method at each learning rate with the first seed; then the other seeds at the rate
# with the best CIDEr on `choose`. Model and rate are chosen on `choose`, reported on `report` (the odd and the even lines of the
# development list). `full` adds variants of our GRPO with the first seed. Results: $OUT/results/NAME.{greedy,beam5,samples}.json
# and $OUT/table.md; runs: $OUT/NAME. By environment:
#   OUT FLICKR8K ENCODER   folder of all that is made; Flickr8k's folder; the encoder's weights (fetched when not there)
#   DATA                   a dataset with splits train, choose and report in place of Flickr8k
#   PREPARE                more options of troupe prepare, such as "--mirror train"
#   METHODS                some of "scst rloo grpo-paper grpo"
#   SEEDS LRS BUDGET       seeds; learning rates; captions that each stage 2 decodes, greedy baselines included
#   EVALUATIONS            evaluations on `choose` in each stage 2
#   SAMPLES                captions sampled for each picture of the diversity
#   ACTORS                 actor ranks (default: troupe's)
#   JOBS                   trainings at once, each with its share of the cores: less is lost than by many threads in one
#   CONFIG                 our configuration, both stages (default deploy/configs/flickr8k.yaml)
#   SET                    more "--set a.b=c" for every training
set -eu
cd "$(dirname "$0")/.."
: "${BUILD:=build}" "${OUT:=runs/reproduce}" "${FLICKR8K:=${TROUPE_DATA:-../shared/data}/flickr8k}"
: "${ENCODER:=encoders/efficientnet-lite2.safetensors}" "${DATA:=$OUT/flickr8k.h5}" "${PREPARE:=}" "${METHODS:=scst rloo grpo-paper grpo}"
: "${SEEDS:=1 2 3}" "${LRS:=1e-5 2e-5 4e-5}" "${BUDGET:=64000}" "${EVALUATIONS:=10}" "${SAMPLES:=5}" "${ACTORS:=}" "${SET:=}"
: "${JOBS:=1}" "${CONFIG:=deploy/configs/flickr8k.yaml}"
PATH=$PWD/$BUILD/bin:$PATH
results=$OUT/results
first=${SEEDS%% *}
threads=$(($(nproc) / JOBS))
[ "$threads" -gt 0 ] || threads=1
share=
[ "$JOBS" = 1 ] || { share="--set learner.threads=$threads" && : "${ACTORS:=$threads}"; }
mkdir -p "$results"
trap 'exit 130' INT TERM # troupe itself ends in order, with code 0

say() { printf '\n== %s\n' "$*"; }
finished() { grep -q '"phase": "finished"' "$OUT/$1/status.json" 2>/dev/null; }
must_finish() { finished "$1" || { echo "reproduce: $OUT/$1 was stopped; the same command goes on" >&2; exit 1; }; }

prepare() {
  [ ! -f "$DATA" ] || return 0
  say "prepare: $DATA"
  deploy/fetch-encoder.sh efficientnet-lite2 "$ENCODER"
  deploy/fetch-meteor.sh "${TROUPE_METEOR:-meteor/meteor-en.bin}" || echo "reproduce: goes on without METEOR" >&2
  awk 'NR % 2 == 1' "$FLICKR8K/Flickr_8k.devImages.txt" >"$OUT/choose.txt"
  awk 'NR % 2 == 0' "$FLICKR8K/Flickr_8k.devImages.txt" >"$OUT/report.txt"
  # shellcheck disable=SC2086 # PREPARE and SET are lists of words
  troupe prepare --images "$FLICKR8K/Images" --captions "$FLICKR8K/captions.txt" \
    --split train="$FLICKR8K/Flickr_8k.trainImages.txt" --split choose="$OUT/choose.txt" --split report="$OUT/report.txt" \
    --encoder efficientnet-lite2 --weights "$ENCODER" $PREPARE --out "$DATA"
}

evaluate() { # NAME: its best checkpoint on `report`
  for how in greedy beam5 samples; do
    [ ! -s "$results/$1.$how.json" ] || continue
    case $how in greedy) set -- "$1" --beam 1 ;; beam5) set -- "$1" --beam 5 ;; samples) set -- "$1" --samples "$SAMPLES" ;; esac
    troupe evaluate "$OUT/$1/checkpoints/best.h5" --data "$DATA" --split report --json --per-image --threads "$threads" "$2" "$3" \
      >"$results/$1.tmp"
    mv "$results/$1.tmp" "$results/$1.$how.json"
  done
}

pretrain() { # SEED
  name=xe-s$1
  if ! finished "$name"; then
    say "$name"
    # shellcheck disable=SC2086
    troupe pretrain "$CONFIG" --set run.dir="$OUT/$name" --set run.seed="$1" --set data.file="$DATA" \
      --set data.validation=choose $share $SET
    must_finish "$name"
  fi
  evaluate "$name"
}

option() { printf '%s\n' "$printed" | sed -n "s/^ *$1: *\([^ #]*\).*/\1/p" | head -n 1; }

train() { # METHOD RATE SEED [a.b=c]...: stage 2 within the budget
  method=$1 rate=$2 seed=$3 name=$1-lr$2-s$3
  shift 3
  if ! finished "$name"; then
    say "$name"
    config=$CONFIG
    if [ -f "deploy/configs/reproduce/$method.yaml" ]; then # with the model of our configuration
      config=$OUT/$method.yaml
      { grep '^model:' "$CONFIG" || :; cat "deploy/configs/reproduce/$method.yaml"; } >"$config"
    fi
    more=
    for assignment; do more="$more --set $assignment"; done
    # shellcheck disable=SC2086
    set -- "$config" $more --set run.dir="$OUT/$name" --set run.seed="$seed" --set data.file="$DATA" \
      --set data.validation=choose --set optimizer.lr="$rate" --set policy.init="$OUT/xe-s$seed/checkpoints/best.h5" $share $SET
    printed=$(troupe train "$@" --print-config)
    captions=$(option group)
    [ "$(option advantage)" != scst ] || captions=$((captions + 1)) # the greedy baseline
    iterations=$((BUDGET / ($(option images_per_iteration) * captions)))
    [ "$iterations" -gt 0 ] || { echo "reproduce: BUDGET $BUDGET is below one iteration of $method" >&2; exit 2; }
    every=$((iterations / EVALUATIONS))
    [ "$every" -gt 0 ] || every=1
    troupe train "$@" --set policy.iterations="$iterations" --set evaluation.every="$every" ${ACTORS:+-n "$ACTORS"}
    must_finish "$name"
  fi
  evaluate "$name"
}

best_on_choose() { # NAME
  sed -n 's/.*"eval\/CIDEr": *\([0-9.e+-]*\).*/\1/p' "$OUT/$1/metrics.jsonl" | sort -g | tail -n 1
}

choose_rate() { # METHOD -> $rate
  rate=$(for lr in $LRS; do echo "$(best_on_choose "$1-lr$lr-s$first") $lr"; done | sort -g | tail -n 1 | cut -d' ' -f2)
}

table() { # ROW...: $OUT/table.md, of what is there
  of=$(IFS=,; echo "$*")
  {
    echo "Chosen by CIDEr on \`choose\` (model and learning rate), reported on \`report\`; $BUDGET captions a stage 2."
    echo
    troupe compare "$results" --rows "$of" --seeds "$(echo "$SEEDS" | wc -w)" ${against:+--against "$against"}
    printf '\n| CIDEr on `choose`, seed %s |' "$first"
    for lr in $LRS; do printf ' lr %s |' "$lr"; done
    printf '\n|---|'
    for lr in $LRS; do printf '%s' '---|'; done
    for method in $METHODS; do
      printf '\n| %s |' "$method"
      for lr in $LRS; do printf ' %s |' "$(best_on_choose "$method-lr$lr-s$first" 2>/dev/null | cut -c 1-6)"; done
    done
    echo
  } >"$OUT/table.tmp"
  mv "$OUT/table.tmp" "$OUT/table.md"
}

# The experiment: steps are lines that are done $JOBS at once, each a process of its own.
steps() { xargs -L 1 -P "$JOBS" deploy/reproduce.sh step; }

if [ "${1:-}" = step ]; then # pretrain SEED | train METHOD RATE SEED [a.b=c]...
  trap '[ $? = 0 ] || exit 255' EXIT # xargs starts no other
  shift
  "$@"
  exit
fi

variants() { # of our GRPO, at its rate
  cat <<'END'
dr_grpo policy.advantage=dr_grpo policy.aggregation=constant
gspo policy.level=sequence policy.aggregation=sequence_mean policy.eps_low=3e-4 policy.eps_high=4e-4
lag1 actors.lag=1
reference-fixed reference.refresh_every=0
reference-refreshed reference.refresh_every=4
group2 policy.group=2
group10 policy.group=10
beta0 policy.beta=0
beta0.04 policy.beta=0.04
END
}

prepare
export BUILD OUT DATA BUDGET EVALUATIONS SAMPLES ACTORS SET CONFIG JOBS
for seed in $SEEDS; do echo "pretrain $seed"; done | steps
for method in $METHODS; do
  for lr in $LRS; do echo "train $method $lr $first"; done
done | steps
rows=xe against=
for method in $METHODS; do
  choose_rate "$method"
  rows="$rows $method-lr$rate"
  [ "$method" != scst ] || against=scst-lr$rate
done
# shellcheck disable=SC2086
table $rows
for row in ${rows#xe}; do
  for seed in $SEEDS; do echo "train ${row%-lr*} ${row##*-lr} $seed"; done
done | steps
if [ "${1:-}" = full ]; then
  choose_rate grpo
  variants | while read -r name changes; do echo "train $name $rate $first $changes"; done | steps
  rows="$rows $(variants | while read -r name _; do echo "$name-lr$rate"; done | tr '\n' ' ')"
fi
# shellcheck disable=SC2086
table $rows
say "$OUT/table.md"
cat "$OUT/table.md"
