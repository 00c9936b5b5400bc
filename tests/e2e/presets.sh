#!/bin/sh
# deploy/configs/: each file parses and --print-config shows its values; each runs, made small, from stage 1 to stage 2, on COCO's
# files in their true layout: Karpathy's dataset_coco.json (filepath, cocoid, restval) and captions_*.json. `coco` on the former.
set -u
. "$(dirname "$0")/../mpi/tiny.sh"
configs=$(dirname "$0")/../../deploy/configs
cd "${work:?}" || exit 1
case $configs in /*) ;; *) configs=$OLDPWD/$configs ;; esac

shows() { # PRESET "PATH VALUE"...: in --print-config
  name=$1
  shift
  troupe train "$configs/$name.yaml" --print-config >"$name.printed" 2>err || { cat err >&2; fail "$name.yaml does not parse"; }
  for row in "$@"; do
    grep -q "^ *${row% *}: ${row#* }\( .*\)\?$" "$name.printed" || { cat "$name.printed" >&2; fail "$name.yaml: $row is not there"; }
  done
}
shows demo "images_per_iteration 128"
shows flickr8k "refresh_every 8" "beta 0.2"
shows paper "top_k 10000" "images_per_iteration 640" "minibatch_images 8" "inner_epochs 2" "group 5" "df batch" "include_eos false" \
  "beta 0.04" "eps_low 0.2" "eps_high 0.2" "aggregation token_mean" "weight_decay 1e-4\|weight_decay: 0.0001" "max_length 25" \
  "d_model 512" "dec_layers 1"
shows scst "advantage scst" "group 1" "images_per_iteration 32" "df batch"
shows coco "images_per_iteration 640" "refresh_every 20" "label_smoothing 0.1"

# twenty pictures as COCO has them; every fifth is of restval, then val, then test
troupe scenes scenes --images 40 >&2 || fail "scenes"
mkdir -p coco/train2014
awk -F, 'NR > 1 { name = $1; text = substr($0, length($1) + 2); gsub(/"/, "", text)
    if (!(name in at)) { at[name] = n++; file[n - 1] = name }
    k = at[name]; if (k < 36) raw[k] = raw[k] (raw[k] ? "\n" : "") text }
  END { for (k = 0; k < 36 && k < n; k++) print "P\t" file[k]
    printf "{\"images\": [" >"karpathy.json"; printf "{\"info\": {}, \"licenses\": [], \"images\": [" >"captions.json"
    for (k = 0; k < 36 && k < n; k++) { c = split(raw[k], s, "\n")
      part = k >= 34 ? "test" : k >= 32 ? "val" : k % 5 ? "train" : "restval"
      printf "%s{\"filepath\": \"train2014\", \"filename\": \"%s\", \"imgid\": %d, \"cocoid\": %d, \"split\": \"%s\", \"sentids\": [], \"sentences\": [", k ? ", " : "", file[k], k, 1000 + k, part >"karpathy.json"
      for (i = 1; i <= c; i++) printf "%s{\"tokens\": [], \"raw\": \"%s\", \"imgid\": %d, \"sentid\": %d}", (i > 1 ? ", " : ""), s[i], k, 10 * k + i >"karpathy.json"
      printf "]}" >"karpathy.json"
      printf "%s{\"id\": %d, \"file_name\": \"train2014/%s\", \"height\": 1, \"width\": 1}", k ? ", " : "", 1000 + k, file[k] >"captions.json" }
    printf "], \"dataset\": \"coco\"}" >"karpathy.json"; printf "], \"annotations\": [" >"captions.json"
    for (k = 0; k < 36 && k < n; k++) { c = split(raw[k], s, "\n")
      for (i = 1; i <= c; i++) printf "%s{\"image_id\": %d, \"id\": %d, \"caption\": \"%s\"}", (k + i > 1 ? ", " : ""), 1000 + k, 10 * k + i, s[i] >"captions.json" }
    printf "]}" >"captions.json" }' scenes/captions.txt >files
cut -f 2 files | while read -r file; do cp "scenes/Images/$file" coco/train2014/; done
cut -f 2 files | sed 's|^|train2014/|' >all.txt
head -32 all.txt >train.txt && tail -4 all.txt >val.txt
troupe prepare --images coco --captions karpathy.json --min-count 1 --out coco.h5 >&2 || fail "Karpathy's file"
troupe inspect coco.h5 --json | tr -d ' \n' | grep -q '"images":36' || fail "coco.h5 has not 36 pictures"
troupe prepare --images coco --captions captions.json --split train=train.txt --split val=val.txt --min-count 1 --max-length 25 \
  --out annotations.h5 >&2 || fail "COCO's annotations"

small="--set model.d_model=16 --set model.heads=2 --set model.d_ff=16 --set evaluation.every=1"
stage2="$small --set policy.images_per_iteration=32 --set policy.minibatch_images=8 --set policy.iterations=1 -n 1"
for name in paper coco flickr8k; do
  data=annotations.h5
  [ $name = paper ] || data=coco.h5
  troupe pretrain "$configs/$name.yaml" $small --set data.file=$data --set pretrain.epochs=1 --set pretrain.batch_images=8 >&2 ||
    fail "pretrain of $name"
  troupe train "$configs/$name.yaml" $stage2 --set data.file=$data >&2 || fail "training of $name"
  grep -q '"captions_decoded":160' runs/$name/train/metrics.jsonl || fail "$name: not 160 captions in an iteration"
done
troupe train "$configs/scst.yaml" $stage2 --set data.file=annotations.h5 >&2 || fail "training of scst"
grep -q '"captions_decoded":64' runs/scst/train/metrics.jsonl || fail "scst: not 32 captions and 32 greedy ones"
exit 0
