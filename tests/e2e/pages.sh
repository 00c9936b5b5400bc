#!/bin/sh
# Every command that stands on a line of its own in the README and the guides is run, in their order, as a user would: in a
# folder that has what the pages speak of. Models and encoders are small ones; what asks for the network, for Slurm or for
# hours is only looked at: its target, its file or its --dry-run.
set -u
# shellcheck source=tests/expect.inc
. "$(dirname "$0")/../expect.inc"
root=$PWD
pages="README.md $(find deploy -name '*.md' | sort)"

# --- what the pages speak of
cd "${work:?}" || exit 1
troupe scenes Flickr8k --images 60 >&2 || fail "scenes"
ln -s "$root/deploy" deploy
cp "$(find Flickr8k/Images -name '*.jpg' | head -n 1)" my-picture.jpg
cp my-picture.jpg new.jpg
# own pictures: such as cameras, scanners and painting programs leave, in a folder within, with a space in the name
mkdir -p photos/more
cp -r Flickr8k/Images/. photos/more
(cd "$root/tests/fuzz/corpus/jpeg" && cp cmyk.jpg grey.jpg progressive.jpg rotated.jpg alpha.png grey_alpha.png palette.png "$work/photos")
mv photos/grey.jpg "photos/grey one.JPG"
sed -e 1d -e 's|^|more/|' Flickr8k/captions.txt >lines
{
  echo image,caption
  cat lines
  for picture in photos/*.*; do echo "${picture#photos/},\"a picture, of a circle\""; done
} >captions.txt
ln -s "$root/tests/golden/features" data
cp deploy/configs/demo.yaml run.yaml
echo '{"images": [{"id": 1}], "annotations": [{"image_id": 1, "id": 7, "caption": "a dog on the grass"}]}' >annotations.json
echo '[{"image_id": 1, "caption": "a dog runs on the grass"}]' >results.json

# --- the same commands with small models
real=$(command -v troupe)
mkdir bin
cat >bin/troupe <<SH
#!/bin/sh
case \$1 in
  pretrain) set -- "\$@" --set pretrain.epochs=1 --set model.d_model=32 --set model.heads=2 --set model.d_ff=64 ;;
  train) set -- "\$@" --set policy.iterations=1 --set policy.images_per_iteration=16 --set model.d_model=32 --set model.heads=2 \\
    --set model.d_ff=64 ;;
  submit) set -- "\$@" --dry-run ;;
esac
exec "$real" "\$@"
SH
chmod +x bin/troupe
PATH=$PWD/bin:$PATH

small() { echo "$1" | sed -E 's/--encoder [a-z0-9-]+( --weights [^ ]*)?/--encoder patches/'; } # the encoder that is always there

ran=0 looked=0
# shellcheck disable=SC2086 # a list of files
for page in $pages; do
  # continued lines are joined; a comment stands behind two spaces
  awk '/^```/ { fenced = !fenced }
    fenced || !(more || /^    [a-zA-Z]/) { next }
    { sub(/^ */, more ? " " : ""); sub(/  *#.*/, ""); more = sub(/ *\\$/, ""); printf "%s%s", $0, more ? "" : "\n" }' \
    "$root/$page" >commands
  while read -r command; do
    case $command in
      make\ *)
        for target in ${command#make }; do
          case $target in -*) continue ;; esac
          grep -q "^$target:" "$root/Makefile" "$root/tests/tests.mk" || fail "$page: no target: $command"
        done
        looked=$((looked + 1)) ;;
      deploy/*)
        [ -x "${command%% *}" ] || fail "$page: no such program: $command"
        looked=$((looked + 1)) ;;
      sbatch\ *)
        script=$(echo "$command" | tr ' ' '\n' | grep 'sbatch$' | tail -n 1)
        [ -f "$script" ] || fail "$page: no such script: $command"
        looked=$((looked + 1)) ;;
      export\ *) ;;
      troupe\ join\ *) # its run is over by now
        eval "$command" 2>err && fail "$page: joined what: $command"
        grep -q 'the run is over' err || { cat err >&2; fail "$page: $command"; }
        ran=$((ran + 1)) ;;
      troupe\ *)
        eval "$(small "$command")" >out 2>err </dev/null || { cat err >&2; fail "$page: exit $?: $command"; }
        ran=$((ran + 1))
        case $command in troupe\ caption*) [ "$(wc -l <out)" -ge 1 ] || fail "$page: no caption: $command" ;; esac
        if [ -d runs/flickr8k ] && [ ! -e runs/demo ]; then ln -s flickr8k runs/demo; fi ;;
    esac
  done <commands
done
echo "$ran commands run, $looked looked at"
[ "$ran" -ge 20 ] || fail "only $ran commands were found"
