#!/bin/sh
# WordPiece and BPE from end to end: prepare, both stages, evaluate, caption: captions are words again, rewards are above zero;
# files that are wrong are named.
set -u
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
g=tests/golden/pieces s=${work:?}/scenes
prepare() {
  code=$1
  shift
  expect "$code" troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split train="$s/train.txt" \
    --split val="$s/val.txt" --split test="$s/test.txt" --out "$work/pieces.h5" "$@"
}

for kind in wordpiece bpe; do
  case $kind in
    wordpiece) files="--vocabulary-file $g/vocab.txt" epochs=12 ;;
    bpe) files="--vocabulary-file $g/vocab.json --merges-file $g/merges.txt" epochs=2 ;; # too few to say more than the commonest word
  esac
  run=$work/$kind
  # shellcheck disable=SC2086 # a list of options
  prepare 0 --vocabulary $kind $files --max-length 24
  expect 0 troupe inspect "$work/pieces.h5" --json
  has "\"vocabulary\": \"$kind\""
  set -- "$work/tiny.yaml" --set data.file="$work/pieces.h5" --set model.max_length=24
  expect 0 troupe pretrain "$@" --set pretrain.epochs="$epochs" --set pretrain.optimizer.lr=4e-3 --set run.dir="$run/pretrain" \
    --set evaluation.every="$epochs"
  expect 0 troupe train "$@" -n 1 --set policy.iterations=2 --set run.dir="$run/train" --set optimizer.lr=1e-4 \
    --set policy.init="$run/pretrain/checkpoints/best.h5"
  best=$run/train/checkpoints/best.h5
  expect 0 troupe inspect "$best" --json
  has "\"vocabulary\": \"$kind\""
  [ "$epochs" = 2 ] || grep -q '"reward":0\.[0-9]*[1-9]' "$run/train/metrics.jsonl" || { cat "$run/train/metrics.jsonl" >&2; fail "$kind: no rewards"; }
  expect 0 troupe evaluate "$best" --data "$work/pieces.h5" --split val --out "$work/results.json" --json
  [ "$epochs" = 2 ] || awk '/"CIDEr"/ { exit !($2 + 0 > 0.01) }' "$work/out" || { cat "$work/out" >&2; fail "$kind: CIDEr"; }
  expect 0 troupe caption "$best" "$s/Images/scene000000.jpg"
  cat "$work/out" "$work/results.json" "$run/train/samples.jsonl" >"$work/texts"
  LC_ALL=C grep -e '##' -e "$(printf '\304\240')" "$work/texts" >&2 && fail "$kind: captions in pieces"
  [ "$epochs" = 2 ] || grep -q '"caption": "[a-zA-Z]* [a-z]* .*[a-z][a-z][a-z]' "$work/results.json" || fail "$kind: captions without words"
  # another vocabulary is refused
  expect 2 troupe evaluate "$best" --data "$work/scenes.h5"
  says vocabulary
done

prepare 2 --vocabulary sentences
says "words, wordpiece or bpe was expected"
prepare 2 --vocabulary wordpiece
says "--vocabulary-file vocab.txt is missing"
prepare 2 --vocabulary-file "$g/vocab.txt"
says "--vocabulary-file: --vocabulary wordpiece or bpe was expected with it"
prepare 2 --vocabulary bpe --vocabulary-file "$g/vocab.json"
says "merges.txt was expected, too"
printf '[UNK]\na\na\n' >"$work/vocab.txt"
prepare 2 --vocabulary wordpiece --vocabulary-file "$work/vocab.txt"
says "vocab.txt:3: 'a' is in line 2 already"
exit 0
