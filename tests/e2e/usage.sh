# What a user meets first: --help, wrong usage and wrong input. Exit codes 0 and 2, and messages `troupe VERB: ...` on
# stderr, one line, with nothing left behind.
set -u
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
failures=0 tab=$(printf '\t')
fail() { echo "$*"; sed 's/^/  | /' "$box/err"; failures=$((failures + 1)); }

expect() { # CODE ARGUMENTS...
  wanted=$1; shift
  troupe "$@" >"$box/out" 2>"$box/err" </dev/null
  code=$?
  [ $code = "$wanted" ] || fail "troupe $*: exit $code instead of $wanted"
}
refuses() { # PATTERN VERB ARGUMENTS...: exit 2, one line `troupe VERB: ...PATTERN...` on stderr, nothing on stdout
  pattern=$1; shift
  expect 2 "$@"
  grep -q "^troupe $1: .*$pattern" "$box/err" || fail "troupe $*: expected 'troupe $1: ...$pattern' on stderr"
  [ "$(wc -l <"$box/err")" = 1 ] || fail "troupe $*: more than one line on stderr"
  [ ! -s "$box/out" ] || fail "troupe $*: an error wrote to stdout"
}

expect 0 --help
for verb in scenes prepare pretrain train join submit evaluate caption score compare inspect export import report watch version; do
  expect 0 --help; grep -q "^  $verb " "$box/out" || fail "troupe --help does not list $verb"
  expect 0 help $verb; grep -q "^usage: troupe $verb" "$box/out" || fail "troupe help $verb shows no usage"
  expect 0 $verb --help
  grep -q "^usage: troupe $verb" "$box/out" || fail "troupe $verb --help shows no usage"
  [ ! -s "$box/err" ] || fail "troupe $verb --help writes to stderr"
  refuses '--no-such-option' $verb --no-such-option
  [ $verb = version ] || refuses '' $verb
done
expect 0 version; grep -q 'mpi' "$box/out" || fail "troupe version does not name the MPI"
expect 0 version --verbose
for word in troupe mpi library blas kernels hdf5 libyaml compiler flags system cpu features; do
  grep -q "^$word  *[^ ]" "$box/out" || fail "troupe version --verbose does not tell of $word"
done
grep -q '^library.* cannot say' "$box/out" && fail "MPI's library is not known"
grep -q "^troupe   [0-9]*\.[0-9]*\.[0-9]" "$box/out" || fail "troupe version is no version"
refuses 'no argument was expected' version now
expect 2
troupe-actor --join runs/x 2>"$box/err"
[ $? = 2 ] && grep -q 'runs/x/config.yaml' "$box/err" || fail "troupe-actor --join: exit 2 and a reason were expected"
expect 2 no-such-verb; grep -q "no-such-verb" "$box/err" || fail "the unknown verb is not named"
expect 2 evalute; grep -q "did you mean evaluate?" "$box/err" || fail "no verb near 'evalute'"

# wrong input: the file, the key or the option is named
echo 'not an HDF5 file' >"$box/text.h5"
refuses "$box/none.h5: no such file" inspect "$box/none.h5"
refuses "$box/text.h5" inspect "$box/text.h5"
refuses "$box/none.h5: no such file" evaluate "$box/none.h5" --data "$box/none.h5"
refuses "$box/text.h5" evaluate "$box/text.h5" --data "$box/text.h5"
refuses "--beam" evaluate "$box/none.h5" --data "$box/none.h5" --beam 0
refuses "--beam: .2.5.; a whole number" evaluate "$box/none.h5" --data "$box/none.h5" --beam 2.5
refuses "$box/none.h5: no such file" caption "$box/none.h5" "$box/none.jpg"
refuses "--samples" caption "$box/none.h5" "$box/none.jpg" --samples many
refuses "--samples and --beam exclude" caption "$box/none.h5" "$box/none.jpg" --samples 2 --beam 3
refuses "--samples and --beam exclude" evaluate "$box/none.h5" --data "$box/none.h5" --samples 2 --beam 3
for verb in evaluate caption; do
  more=$box/none.jpg; [ $verb = caption ] || more="--data $box/none.h5"
  refuses "--min-length: '-1'" $verb "$box/none.h5" $more --min-length -1
  refuses "--no-repeat-ngram: 'two'" $verb "$box/none.h5" $more --no-repeat-ngram two
  refuses "--length-penalty: 'x'" $verb "$box/none.h5" $more --length-penalty x
  refuses "--beam-groups: '0'" $verb "$box/none.h5" $more --beam-groups 0
  refuses "--diversity: '-1'" $verb "$box/none.h5" $more --diversity=-1
  for option in '--temperature 1' '--top-k 0' '--top-p 1' '--seed 1'; do
    refuses "${option% *}: .*--samples G was expected" $verb "$box/none.h5" $more $option
    refuses "none.h5: no such file" $verb "$box/none.h5" $more $option --samples 2
  done
done
refuses "--temperature: '0'" caption "$box/none.h5" "$box/none.jpg" --temperature 0
refuses "--top-k: '1.5'" caption "$box/none.h5" "$box/none.jpg" --top-k 1.5
refuses "--top-p: '2'" caption "$box/none.h5" "$box/none.jpg" --top-p 2
refuses "--images" scenes "$box/scenes" --images -5
refuses "$box/nowhere" prepare --images "$box/nowhere" --captions "$box/none" --out "$box/out.h5"
for verb in pretrain train; do
  refuses "$box/none.yaml" $verb "$box/none.yaml"
  printf 'model:\n  d_modl: 64\n' >"$box/wrong.yaml"
  refuses "$box/wrong.yaml:2: .*d_modl.*d_model" $verb "$box/wrong.yaml"
  printf 'policy:\n\n  group: 0\n' >"$box/wrong.yaml"
  refuses "$box/wrong.yaml:3: .*policy.group" $verb "$box/wrong.yaml"
  head -c 1048577 /dev/zero | tr '\0' '#' >"$box/wrong.yaml"
  refuses "$box/wrong.yaml: is too large; at most 1048576 bytes" $verb "$box/wrong.yaml"
  printf 'a: [\n' >"$box/wrong.yaml"
  refuses "$box/wrong.yaml" $verb "$box/wrong.yaml"
  echo '{}' >"$box/empty.yaml"
  refuses 'policy.grup' $verb "$box/empty.yaml" --set policy.grup=3
  refuses "$box/text.h5" $verb "$box/empty.yaml" --set data.file="$box/text.h5" --set run.dir="$box/run"
  printf 'model: {tied: False}\n' >"$box/wrong.yaml" # as YAML 1.1 and Python write it
  expect 0 $verb "$box/wrong.yaml" --print-config; grep -q 'tied: false' "$box/out" || fail "troupe $verb: False was not false"
  expect 0 $verb "$box/empty.yaml" --set policy.group=7 --print-config
  grep -q 'group: 7' "$box/out" || fail "troupe $verb --print-config does not show what --set set"
  expect 0 $verb "$box/empty.yaml" --set policy.group=7 --print-options
  grep -q "^policy.group${tab}7${tab}.*default 5" "$box/out" || fail "troupe $verb --print-options does not show what --set set"
done
refuses '-n' train "$box/empty.yaml" -n none
refuses '-n: stage 1 has no actors' pretrain "$box/empty.yaml" -n 2
refuses 'sampling.min_length 20 leaves no room .*(model.max_length)' train "$box/empty.yaml" --set data.file=x.h5 --set sampling.min_length=20
refuses 'evaluation.beam 5 is not a multiple of evaluation.beam_groups 2' pretrain "$box/empty.yaml" \
  --set data.file=x.h5 --set evaluation.beam=5 --set evaluation.beam_groups=2
refuses 'minibatch_images 16 is above policy.images_per_iteration 8' train "$box/empty.yaml" --set data.file=x.h5 \
  --set policy.images_per_iteration=8
left=$(find "$box" -mindepth 1 | grep -vE '/(out|err|text.h5|wrong.yaml|empty.yaml)$' | tr '\n' ' ')
[ -z "$left" ] || fail "left behind: $left"
[ $failures = 0 ]
