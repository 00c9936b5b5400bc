# troupe score as a user runs it: every format gives the same numbers, faults are named, groups get diversity.
set -u
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
failures=0
fail() { echo "$*"; sed 's/^/  | /' "$box/err"; failures=$((failures + 1)); }
data=${TROUPE_METEOR-}
score() { TROUPE_METEOR=$data troupe score "$@" >"$box/out" 2>"$box/err" </dev/null || fail "troupe score $*: exit $?"; }
refuses() { # PATTERN ARGUMENTS...
  pattern=$1; shift
  troupe score "$@" >"$box/out" 2>"$box/err" </dev/null
  code=$?
  [ $code = 2 ] || fail "troupe score $*: exit $code instead of 2"
  grep -q "^troupe score: .*$pattern" "$box/err" || fail "troupe score $*: expected '...$pattern' on stderr"
  [ ! -s "$box/out" ] || fail "troupe score $*: an error wrote to stdout"
}
has() { grep -q "$1" "$box/out" || { fail "troupe score printed no '$1'"; sed 's/^/  > /' "$box/out"; }; }

repository=$PWD
cd "$box" || exit 1
cat >captions.txt <<'END'
image,caption
1,A dog runs in the snow .
1,"The dog's running, fast."
2,Two cats sit on a mat .
2,A pair of cats on the mat
3,A man doesn't ride a horse .
3,A rider without a horse
END
sed '1d; s/^\([0-9]*\),/\1#0\t/' captions.txt | sed 's/"//g' >refs.token
cat >coco.json <<'END'
{"images": [{"id": 1}, {"id": 2}, {"id": 3}], "annotations": [
{"image_id": 1, "id": 1, "caption": "A dog runs in the snow ."}, {"image_id": 1, "id": 2, "caption": "The dog's running, fast."},
{"image_id": 2, "id": 3, "caption": "Two cats sit on a mat ."}, {"image_id": 2, "id": 4, "caption": "A pair of cats on the mat"},
{"image_id": 3, "id": 5, "caption": "A man doesn't ride a horse ."}, {"image_id": 3, "id": 6, "caption": "A rider without a horse"}]}
END
cat >karpathy.json <<'END'
{"images": [{"filename": "a.jpg", "imgid": 1, "split": "test", "sentences": [{"raw": "A dog runs in the snow ."}, {"raw": "The dog's running, fast."}]},
{"filename": "b.jpg", "imgid": 2, "split": "test", "sentences": [{"raw": "Two cats sit on a mat ."}, {"raw": "A pair of cats on the mat"}]},
{"filename": "c.jpg", "imgid": 3, "split": "test", "sentences": [{"raw": "A man doesn't ride a horse ."}, {"raw": "A rider without a horse"}]},
{"filename": "d.jpg", "imgid": 4, "split": "train", "sentences": [{"raw": "not scored"}]}]}
END
echo '{"1": ["A dog runs in the snow .", "The dog'"'"'s running, fast."], "2": ["Two cats sit on a mat .", "A pair of cats on the mat"],
"3": ["A man doesn'"'"'t ride a horse .", "A rider without a horse"]}' >map.json
echo '[{"image_id": 3, "caption": "a man rides a horse"}, {"image_id": 1, "caption": "a dog runs"}, {"image_id": 2, "caption": ""}]' >results.json
echo '{"1": "a dog runs", "2": "", "3": "a man rides a horse"}' >strings.json
echo '{"a.jpg": ["a dog runs"], "b.jpg": [""], "c.jpg": ["a man rides a horse"]}' >names.json

score --references coco.json --candidates results.json --json --metrics bleu,rouge_l,cider,CIDEr_original
mv out first
for references in captions.txt refs.token map.json; do
  for candidates in results.json strings.json; do
    score --references $references --candidates $candidates --json --metrics bleu,rouge_l,cider,CIDEr_original
    cmp -s first out || fail "$references and $candidates score otherwise than coco.json and results.json"
  done
done
for candidates in results.json names.json; do
  score --references karpathy.json --split test --candidates $candidates --json --metrics bleu,rouge_l,cider,CIDEr_original
  cmp -s first out || fail "karpathy.json and $candidates score otherwise"
done
printf '1\n2\n3\n' >list
score --references captions.txt --candidates results.json --images list --json --metrics bleu,rouge_l,cider,CIDEr_original
cmp -s first out || fail "--images scores otherwise"

# the numbers of the COCO caption evaluation on these captions
has '"Bleu_1": 0.321894'
has '"Bleu_4": 3.399'
has '"ROUGE_L": 0.432453'
has '"CIDEr": 1.416646'
score --references map.json --candidates strings.json --per-image --json
has '"per_image"'
score --references map.json --candidates strings.json --per-image
has '^id  *Bleu_1'
has '^Bleu_4  *0\.'
score --references map.json --candidates strings.json --metrics METEOR,Bleu_2
has '^Bleu_2'
if grep -q CIDEr out; then fail "--metrics prints what was not chosen"; fi

# METEOR: with the tiny data of the unit tests (tests/golden/score/make_meteor.py), without any, and with data that are none
tiny=$repository/tests/golden/score/meteor-tiny.bin
echo '{"1": "a hound sprints in front of two mice", "2": "the dog", "3": "his puppy"}' >meteor.json
printf 'image,caption\n1,The dog runs before a mouse.\n2,the dog\n3,nothing there\n' >meteor.txt
data=$tiny score --references meteor.txt --candidates meteor.json --metrics meteor --per-image
has '^2  *1.0000$'; has '^3  *0.0000$'; has '^METEOR  *0.2958$'
mkdir empty && cd empty || exit 1
data='' score --references ../meteor.txt --candidates ../meteor.json
has '^METEOR  *absent: no METEOR data: run deploy/fetch-meteor.sh$'; has '^Bleu_1  *0\.'; has '^CIDEr  *'
data='' score --references ../meteor.txt --candidates ../meteor.json --json --per-image
has '"METEOR": "no METEOR data: run deploy/fetch-meteor.sh"'
if grep -q '"METEOR": [0-9]' ../out; then fail "a number for an absent METEOR"; fi
cd .. || exit 1
head -c 900 "$tiny" >cut.bin
data=cut.bin score --references meteor.txt --candidates meteor.json
has '^METEOR  *absent: cut.bin: 900 bytes, .*deploy/fetch-meteor.sh$'
data=meteor.txt score --references meteor.txt --candidates meteor.json
has '^METEOR  *absent: meteor.txt: is not METEOR data; .*deploy/fetch-meteor.sh.*$'

# groups
echo '{"1": ["a dog runs", "the dog"], "2": ["two cats", "a mat"], "3": ["a horse", "a man"]}' >groups.json
score --references map.json --candidates groups.json
for name in distinct_1 distinct_2 mBLEU_4 self_CIDEr CIDEr_oracle CIDEr_mean; do has "^$name "; done

# what does not fit
echo '[{"image_id": 1, "caption": "a"}, {"image_id": 9, "caption": "b"}]' >extra.json
echo '[{"image_id": 1, "caption": "a"}]' >few.json
echo '[{"image_id": 1, "caption": "a"}, {"image_id": 1, "caption": "a"}, {"image_id": 2, "caption": "b"}, {"image_id": 3, "caption": "c"}]' >twice.json
echo '{"1": "a", "1": "b"}' >key.json
refuses 'extra ids: 1 .*: 9' --references map.json --candidates extra.json
refuses 'missing ids: 2 .*: 2, 3' --references map.json --candidates few.json
refuses 'repeated ids: 1 has 2' --references map.json --candidates twice.json
refuses 'key.json:1: ' --references map.json --candidates key.json
refuses 'none.json: .*No such file' --references none.json --candidates few.json
refuses 'no picture is of split dev' --references karpathy.json --split dev --candidates names.json
refuses "'blue'" --references map.json --candidates few.json --metrics blue
refuses '.*--candidates' --references map.json
score --references map.json --candidates few.json --subset
has '^images  *1$'
[ $failures = 0 ]
