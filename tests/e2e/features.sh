#!/bin/sh
# prepare --features as a user runs it: self-critical.pytorch's folders, HDF5 and cocotalk, bottom-up features; what is missing
# is named; pictures of different numbers of regions are trained on and captioned.
set -u
# shellcheck source=tests/expect.inc
. "$(dirname "$0")/../expect.inc"
g=tests/golden/features
talk="--captions $g/cocotalk.json --labels $g/cocotalk_label.h5 --min-count 1"

for f in cocobu_att cocobu_fc cocotalk_att cocobu_att.h5 coco_detections.hdf5; do
  expect 0 troupe prepare --features $g/$f $talk --out "$work/$f.h5"
  expect 0 troupe inspect "$work/$f.h5" --json
  for line in '"images": 8' '"train": 5' '"features": 6' '"encoder": "imported"' '"verified": true'; do has "$line"; done
  case $f in
    cocobu_fc) has '"cells": 1,' ;;
    cocotalk_att) has '"cells": 4,' ;;
    *) has '"cells": 5,'; has '"cells_mean": 3.375' ;;
  esac
done

# with Karpathy's file, whose pictures are found by cocoid; lists and another name
printf 'val2014/COCO_val2014_%s.jpg\n' 000000391895 000000522418 >"$work/train.txt"
expect 0 troupe prepare --features $g/cocobu_att --captions $g/dataset_coco.json --split train="$work/train.txt" \
  --min-count 1 --encoder updown --out "$work/k.h5"
expect 0 troupe inspect "$work/k.h5" --json
has '"images": 2'; has '"encoder": "updown"'

# broken and missing ones are named
cp -r $g/cocobu_att "$work/att"
rm "$work/att/184613.npz"
head -c 100 $g/cocobu_att/318219.npz >"$work/att/318219.npz"
expect 2 troupe prepare --features "$work/att" $talk --out "$work/x.h5"
says 'no features of picture 184613.*; a file ID.npz or ID.npy was expected'; says '318219.npz'; says '2 pictures are missing or unreadable'
[ -z "$(find "$work" -name 'x.h5*')" ] || fail "something was left behind"
expect 0 troupe prepare --features "$work/att" $talk --out "$work/x.h5" --skip-broken
expect 0 troupe inspect "$work/x.h5" --json
has '"images": 6'

expect 2 troupe prepare --features $g/cocobu_att --images . $talk --out "$work/y.h5"
says 'excludes --images'
expect 2 troupe prepare --features $g/cocobu_att --captions $g/cocotalk.json --out "$work/y.h5"
says 'given by --labels'
expect 2 troupe prepare --features $g/cocobu_att --encoder patches $talk --out "$work/y.h5"
says "troupe's own"
expect 2 troupe prepare --features $g/cocobu_att --encoder "$(printf %0200d 0)" $talk --out "$work/y.h5"
says '^troupe prepare: --encoder 0*: a name of at most [0-9]* bytes was expected'
expect 2 troupe prepare --features $g/odd $talk --out "$work/y.h5"
says 'no picture has features'

# trained on, and captioned
cat >"$work/c.yaml" <<YAML
run: {dir: $work/run}
data: {file: $work/coco_detections.hdf5.h5}
model: {d_model: 32, heads: 2, d_ff: 32, enc_layers: 2, max_length: 12}
pretrain: {epochs: 3, batch_images: 2}
YAML
expect 0 troupe pretrain "$work/c.yaml"
expect 0 troupe evaluate "$work/run/checkpoints/latest" --data "$work/coco_detections.hdf5.h5" --split val
has CIDEr
expect 2 troupe caption "$work/run/checkpoints/latest" $g/cocotalk.json
says "latest: was trained on imported features (encoder .imported.), .*troupe evaluate .*latest --data"
