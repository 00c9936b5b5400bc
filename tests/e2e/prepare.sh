#!/bin/sh
# scenes, prepare and inspect as a user runs them: the same bytes from any number of threads; broken and missing pictures are
# named, and nothing is left behind; each format of captions gives the same captions; damage and strangers have their codes.
set -u
. "$(dirname "$0")/../expect.inc"
s=${work:?}/scenes

expect 0 troupe scenes "$s" --images 60 --seed 5
[ "$(find "$s/Images" -name '*.jpg' | wc -l)" = 60 ] || fail "60 pictures were expected"
[ "$(wc -l <"$s/captions.txt")" = 301 ] || fail "300 captions and a header were expected"
[ "$(cat "$s/train.txt" "$s/val.txt" "$s/test.txt" | sort -u | wc -l)" = 60 ] || fail "the lists do not cover the pictures"
expect 0 troupe scenes "$work/again" --images 60 --seed 5
diff -r "$s" "$work/again" >/dev/null || fail "the same seed gave other scenes"
expect 0 troupe scenes "$work/again/" --images 60 --seed 6
cmp -s "$s/captions.txt" "$work/again/captions.txt" && fail "another seed gave the same scenes"
echo mine >"$work/again/notes"
expect 2 troupe scenes "$work/again"
says notes
[ -f "$work/again/notes" ] || fail "scenes removed what is not its own"

splits="--split train=$s/train.txt --split val=$s/val.txt --split test=$s/test.txt"
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --out "$work/a.h5" --threads 1
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --out "$work/b.h5" --threads 3
cmp -s "$work/a.h5" "$work/b.h5" || fail "the bytes depend on the number of threads"
expect 0 troupe inspect "$work/a.h5" --json
for line in '"format": "troupe-dataset"' '"images": 60' '"train": 48' '"val": 6' '"test": 6' '"verified": true'; do
  grep -q "$line" "$work/out" || fail "inspect --json does not say $line"
done

# shares: whole pictures, the same ones whatever their order, beside lists of which they take none
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split val=10% --split test=0.1% --out "$work/share.h5"
expect 0 troupe inspect "$work/share.h5"
for part in '"train": 53' '"val": 6' '"test": 1'; do has "$part"; done
(head -n 1 "$s/captions.txt"; tail -n +2 "$s/captions.txt" | tac) >"$work/turned.txt"
expect 0 troupe prepare --images "$s/Images" --captions "$work/turned.txt" --split val=10% --split test=0.1% --out "$work/turned.h5"
for file in share turned; do
  h5dump -d image/file -d image/split "$work/$file.h5" >/dev/null 2>&1 || continue # no h5dump here
  h5dump -y -w 1 -d image/file "$work/$file.h5" | grep '^ *"' | tr -d ' ,"' >"$work/files"
  h5dump -y -w 1 -d image/split "$work/$file.h5" | grep '^ *"' | tr -d ' ,"' | paste "$work/files" - | sort >"$work/$file.splits"
done
[ ! -e "$work/share.splits" ] || cmp -s "$work/share.splits" "$work/turned.splits" || fail "shares depend on the captions' order"
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split test="$s/test.txt" --split val=50% --out "$work/both.h5"
expect 0 troupe inspect "$work/both.h5"
has '"test": 6' # and half of the other 54
has '"val": 27'
for share in 0% 100% -5% nan%; do
  expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split val=$share --out "$work/none.h5"
  says "val=$share'; a share above 0 % and below 100 % was expected"
done
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split val=60% --split test=40% --out "$work/none.h5"
says 'shares of 100 %; less than 100 % was expected'
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --min-count 100000 --out "$work/none.h5"
says '^troupe prepare: --min-count 100000: no word is that often'
expect 2 troupe prepare --images "$work" --captions "$s/captions.txt" --out "$work/none.h5"
says "is $work the folder in which $s/captions.txt names them"

# the same captions as .token and as Karpathy's JSON (whose splits are its own)
awk -F, 'NR > 1 { n[$1]++; print $1 "#" n[$1] - 1 "\t" $2 }' "$s/captions.txt" >"$work/c.token"
awk -F, 'BEGIN { print "{\"images\":[" }
  FILENAME ~ /train/ { split_of[$1] = "train"; next } FILENAME ~ /val/ { split_of[$1] = "val"; next }
  FILENAME ~ /test/ { split_of[$1] = "test"; next } FNR == 1 { next }
  $1 != last { printf "%s{\"filename\":\"%s\",\"split\":\"%s\",\"sentences\":[", (last ? "]},\n" : ""), $1, split_of[$1]; first = 1 }
  { printf "%s{\"raw\":\"%s\"}", (first ? "" : ","), $2; first = 0; last = $1 }
  END { print "]}]}" }' "$s/train.txt" "$s/val.txt" "$s/test.txt" "$s/captions.txt" >"$work/c.json"
expect 0 troupe prepare --images "$s/Images" --captions "$work/c.token" $splits --out "$work/token.h5"
cmp -s "$work/a.h5" "$work/token.h5" || fail "the .token file gave another dataset"
expect 0 troupe prepare --images "$s/Images" --captions "$work/c.json" --out "$work/json.h5"
cmp -s "$work/a.h5" "$work/json.h5" || fail "Karpathy's JSON gave another dataset"

# mirrored pictures of one split: its counts double, vocabulary and frequencies stay
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --mirror train --out "$work/mirror.h5"
grep -q '108 pictures, 540 captions' "$work/out" || fail "48 pictures were not mirrored"
sed 's/[0-9]* pictures, [0-9]* captions//; s/[0-9.]* MB.*//; /^[0-9.]* s for/d; s/.*mirror.h5://; s/(.*//' "$work/out" >"$work/mirrored"
expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --out "$work/plain.h5"
sed 's/[0-9]* pictures, [0-9]* captions//; s/[0-9.]* MB.*//; /^[0-9.]* s for/d; s/.*plain.h5://; s/(.*//' "$work/out" >"$work/plain"
cmp -s "$work/mirrored" "$work/plain" || fail "--mirror changed the vocabulary or the n-grams"
expect 0 troupe inspect "$work/mirror.h5" --json
for line in '"train": 96' '"val": 6' '"test": 6'; do grep -q "$line" "$work/out" || fail "inspect --json does not say $line"; done
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --mirror dev --out "$work/x.h5"
says "no picture is in the split 'dev'"
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" $splits --mirror val --mirror val --out "$work/x.h5"
says "given twice"

# broken, empty and missing pictures, and a name that has no captions
cp -r "$s" "$work/broken"
b=$work/broken
head -c 900 "$s/Images/scene000001.jpg" >"$b/Images/scene000001.jpg"
: >"$b/Images/scene000002.jpg"
rm "$b/Images/scene000003.jpg"
echo nowhere.jpg >>"$b/train.txt"
set -- --images "$b/Images" --captions "$b/captions.txt" --split train="$b/train.txt" --out "$work/broken.h5"
expect 2 troupe prepare "$@"
for name in scene000001.jpg scene000002.jpg scene000003.jpg nowhere.jpg; do says "$name"; done
says skip-broken
[ -z "$(find "$work" -maxdepth 1 -name 'broken.h5*')" ] || fail "something was left behind"
expect 2 troupe prepare "$@" --mirror train
says "4 pictures are missing"
expect 0 troupe prepare "$@" --skip-broken --mirror train
expect 0 troupe inspect "$work/broken.h5" --json
grep -q '"images": 90' "$work/out" || fail "90 pictures were expected, mirrored and without the broken ones"
expect 0 troupe prepare "$@" --skip-broken
for name in scene000001.jpg scene000002.jpg scene000003.jpg nowhere.jpg; do says "$name"; done
expect 0 troupe inspect "$work/broken.h5" --json
grep -q '"images": 45' "$work/out" || fail "45 pictures were expected without the broken ones"

# wrong input and usage
expect 2 troupe prepare --images "$s/Images" --captions "$s/nothing.txt" --out "$work/x.h5"
says "nothing.txt: cannot be opened"
printf 'image,caption\nscene000000.jpg,a, b\n' >"$work/bad.txt"
expect 2 troupe prepare --images "$s/Images" --captions "$work/bad.txt" --out "$work/x.h5"
says "bad.txt:2: 3 fields; 2 were expected"
printf 'image,caption\nscene000000.jpg,a caf\351\n' >"$work/bad.txt"
expect 2 troupe prepare --images "$s/Images" --captions "$work/bad.txt" --out "$work/x.h5"
says "bad.txt:2: is not UTF-8"
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split val="$s/val.txt" --out "$work/x.h5"
says "no picture is in the split train"
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --split val=/dev/null --out "$work/x.h5"
says "/dev/null: names no pictures; one name a line was expected"
expect 2 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --encoder nonsense --out "$work/x.h5"
says patches
mkdir "$work/encoders"
set -- --images "$s/Images" --captions "$s/captions.txt" --encoder efficientnet-lite0 --out "$work/x.h5"
expect 2 env TROUPE_ENCODERS="$work/encoders" troupe prepare "$@"
says "^troupe prepare: --weights is not given: no efficientnet-lite0.safetensors was found in .*fetch-encoder.sh"
echo cut >"$work/encoders/efficientnet-lite0.safetensors"
expect 2 env TROUPE_ENCODERS="$work/encoders" troupe prepare "$@"
says "encoders/efficientnet-lite0.safetensors: 4 bytes are too few for a safetensors file; no other efficientnet-lite0"
expect 2 troupe prepare --images "$s/Images"
expect 2 troupe prepare --nonsense
says "--nonsense: no such option"
[ ! -e "$work/x.h5" ] || fail "wrong input wrote a file"

# stopped by a signal, and begun again: the same bytes, and nothing left behind
expect 0 troupe scenes "$work/many" --images 600 --seed 9
set -- --images "$work/many/Images" --captions "$work/many/captions.txt" --threads 1
expect 0 troupe prepare "$@" --out "$work/whole.h5"
for _ in 1 2 3 4 5; do # it may be done before the signal comes
  troupe prepare "$@" --out "$work/stopped.h5" >"$work/out" 2>"$work/err" &
  while [ -z "$(find "$work" -name 'stopped.h5.tmp.*')" ] && kill -0 $! 2>/dev/null; do :; done
  kill -TERM $! 2>/dev/null
  wait $!
  code=$?
  [ -e "$work/stopped.h5.part" ] && break
  rm -f "$work/stopped.h5"
done
if [ -e "$work/stopped.h5.part" ]; then
  [ $code = 1 ] || fail "exit $code, not 1, when stopped"
  says "the same command goes on from there"
  [ ! -e "$work/stopped.h5" ] || fail "a stopped prepare wrote its file"
  expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --out "$work/other.h5"
  mv "$work/stopped.h5.part" "$work/other.h5.part"
  expect 0 troupe prepare --images "$s/Images" --captions "$s/captions.txt" --out "$work/other.h5"
  says "is of other pictures"
  troupe prepare "$@" --out "$work/stopped.h5" >"$work/out" 2>"$work/err" &
  while [ -z "$(find "$work" -name 'stopped.h5.tmp.*')" ] && kill -0 $! 2>/dev/null; do :; done
  kill -TERM $! 2>/dev/null
  wait $!
  expect 0 troupe prepare "$@" --out "$work/stopped.h5"
  cmp -s "$work/whole.h5" "$work/stopped.h5" || fail "stopped and begun again it gave other bytes"
else
  echo "prepare.sh: it was always done before the signal came" >&2
fi
[ -z "$(find "$work" -name '*.part' -o -name '*.tmp.*')" ] || fail "something was left behind"

# damage: one byte in the features
size=$(wc -c <"$work/a.h5")
printf '\377' | dd of="$work/a.h5" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
expect 2 troupe inspect "$work/a.h5"
says "do not fit their hash"
expect 2 troupe inspect "$s/captions.txt"
expect 2 troupe inspect "$work"
expect 2 troupe inspect "$work/no.h5"
exit 0
