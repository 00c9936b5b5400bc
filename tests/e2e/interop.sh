# A checkpoint leaves as safetensors and comes back with the same weights; what cannot come back is named. As a graph of ONNX it
# leaves only (make check-interop runs it).
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
troupe pretrain "$work/tiny.yaml" --set run.dir="$work/pre" --set pretrain.epochs=1 >&2 || fail "stage 1"
checkpoint=$work/pre/checkpoints/best.h5 weights=$work/w.safetensors
hash_in() { troupe inspect "$1" --json | sed -n 's/.*"weights_hash": "\([0-9a-f]*\)".*/\1/p'; }
refused() { # PATTERN COMMAND...
  pattern=$1
  shift
  expect 2 "$@"
  grep -q -- "$pattern" "$work/err" || { cat "$work/err" >&2; fail "stderr does not say '$pattern': $*"; }
}

expect 0 troupe export "$checkpoint" --safetensors "$weights"
expect 0 troupe import "$weights" --out "$work/back.h5"
[ "$(hash_in "$work/back.h5")" = "$(hash_in "$checkpoint")" ] || fail "other weights came back"
picture=$(find "$work/scenes/Images" -name '*.jpg' | sort | head -n 1)
[ "$(troupe caption "$work/back.h5" "$picture" --json)" = "$(troupe caption "$checkpoint" "$picture" --json)" ] ||
  fail "the checkpoint that came back captions otherwise"
troupe train "$work/tiny.yaml" -n 1 --set run.dir="$work/run" --set policy.iterations=1 --set policy.init="$work/back.h5" >&2 ||
  fail "it is no policy.init"

expect 0 troupe export "$checkpoint" --onnx "$work/w.onnx"
expect 0 troupe export "$checkpoint" --onnx "$work/again.onnx" --safetensors "$work/again.safetensors"
cmp "$work/w.onnx" "$work/again.onnx" && cmp "$weights" "$work/again.safetensors" || fail "both together are not as each alone"
for word in features tokens log_probabilities LogSoftmax decoder.0.cross.kv.weight tokens_by_id; do
  grep -qa "$word" "$work/w.onnx" || fail "w.onnx: no $word"
done
[ "$(wc -c <"$work/w.onnx")" -gt "$(wc -c <"$weights")" ] || fail "w.onnx lacks weights"
expect 1 troupe export "$checkpoint" --onnx "$work/none/w.onnx"
grep -q "none/w.onnx.*: cannot be" "$work/err" || { cat "$work/err" >&2; fail "stderr does not name the file"; }

# the same tensors without troupe's metadata: --like says what they are of
header=$(od -An -tu8 -N8 "$weights" | tr -d ' ')
bare=$work/bare.safetensors
LC_ALL=C sed '1s/"troupe":"/"other1":"/' "$weights" >"$bare"
refused "has no metadata 'troupe'" troupe import "$bare" --out "$work/x.h5"
expect 0 troupe import "$bare" --out "$work/like.h5" --like "$checkpoint"
[ "$(hash_in "$work/like.h5")" = "$(hash_in "$checkpoint")" ] || fail "--like: other weights"

head -c 5000 "$weights" >"$work/cut.safetensors"
refused "cut" troupe import "$work/cut.safetensors" --out "$work/x.h5"
{ head -c $((8 + header)) "$weights" && printf '\000\000\300\177' && tail -c +$((13 + header)) "$weights"; } >"$work/nan.safetensors"
refused "finite numbers were expected" troupe import "$work/nan.safetensors" --out "$work/x.h5"
refused "safetensors FILE or --onnx FILE was expected" troupe export "$checkpoint"
refused "CHECKPOINT was expected" troupe import "$weights"
refused "not a\|no such\|No such\|cannot" troupe export "$work/none.h5" --safetensors "$work/x"
[ ! -e "$work/x.h5" ] && [ ! -e "$work/x" ] || fail "a refused command left a file"
exit 0
