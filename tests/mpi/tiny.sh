# Sourced by the tests that train: a tiny data set and configuration in $work, and `hash_of RUN`.

# shellcheck source=tests/expect.inc
. "$(dirname "$0")/../expect.inc"

tiny_data() {
  troupe scenes "$work/scenes" --images 120 --seed 3 >&2 || fail "scenes"
  troupe prepare --images "$work/scenes/Images" --captions "$work/scenes/captions.txt" \
    --split train="$work/scenes/train.txt" --split val="$work/scenes/val.txt" --split test="$work/scenes/test.txt" \
    --encoder patches --out "$work/scenes.h5" >&2 || fail "prepare"
  cat >"$work/tiny.yaml" <<YAML
run: {seed: 5}
data: {file: $work/scenes.h5}
model: {d_model: 32, heads: 2, d_ff: 64}
pretrain: {epochs: 2, batch_images: 8}
policy: {init: random, images_per_iteration: 32, minibatch_images: 8, inner_epochs: 2, iterations: 4}
reference: {refresh_every: 2, mix: 0.5}
optimizer: {lr: 1e-3}
actors: {chunk_images: 4}
evaluation: {every: 2}
checkpoint: {every: 1}
YAML
}

wait_for_iteration() { wait_for "\"iteration\":$2[,}]" "$1/metrics.jsonl"; } # RUN N

# The hash of the weights after training, from status.json of a finished run.
hash_of() {
  grep -q '"phase": "finished"' "$1/status.json" || fail "$1 did not finish: $(cat "$1/status.json")"
  sed -n 's/.*"weights_hash": "\([0-9a-f]*\)".*/\1/p' "$1/status.json"
}
