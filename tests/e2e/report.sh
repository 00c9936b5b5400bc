#!/bin/sh
# troupe report: one page of tiny runs, also of runs that are damaged or have only begun; what is no run is refused.
set -u
# shellcheck source=tests/mpi/tiny.sh
. "$(dirname "$0")/../mpi/tiny.sh"
tiny_data
c=${work:?}/tiny.yaml run=$work/runs/train
troupe pretrain "$c" --set run.dir="$work/runs/pretrain" 2>"$work/err" || fail "pretrain"
troupe train "$c" -n 1 --set policy.init="$work/runs/pretrain/checkpoints/best.h5" --set run.dir="$run" --trace \
  2>"$work/err" || fail "train"

in_page() { grep -qF -- "$1" "$page" || fail "$page does not hold: $1"; }

# one run: beside its files
expect 0 troupe report "$run"
page=$run/report.html
has "^$page$"
in_page '<!doctype html>'
in_page '"name":"runs/train"'
in_page '"eval/CIDEr":['
in_page '"policy.iterations":"4"'
in_page '"advantages":['
in_page '"when":"before"'
in_page '"when":"after"'
in_page '"references":['
in_page '"src":"data:image/jpeg;base64,'
in_page '"side":7,"attention":"'
in_page '"kind":"transfer"'
in_page '"name":"actor 1","shares":['
grep -q 'src="\|href="http\|url([^#]' "$page" && fail "the page asks for another file"

# several: over each other
expect 0 troupe report "$run" "$work/runs/pretrain" --out "$work/both.html"
page=$work/both.html
in_page '"name":"train"'
in_page '"name":"pretrain"'
in_page '"stage":"pretrain"'

# a run that is written meanwhile: a line and a status cut short, no configuration, no number
cp -r "$run" "$work/cut"
rm "$work/cut/config.yaml" "$work/cut/report.html"
printf '{"iteration":5,"reward":NaN}\n{"iteration":6,"rew' >>"$work/cut/metrics.jsonl"
printf '{"phase": "run' >"$work/cut/status.json"
echo 'no group' >>"$work/cut/samples.jsonl"
expect 0 troupe report "$work/cut"
page=$work/cut/report.html
in_page 'config.yaml is not there (yet)'
in_page 'metrics.jsonl: 1 line could not be read'
in_page 'samples.jsonl: 1 line could not be read'

# without dataset, pictures, checkpoints
mkdir "$work/pictures"
expect 0 troupe report "$run" --images "$work/pictures" --pictures 3 --out "$work/bare.html"
page=$work/bare.html
in_page '"src":null'
in_page 'picture files of'
rm -r "$work/cut/checkpoints"
cp "$run/config.yaml" "$work/cut/config.yaml"
expect 0 troupe report "$work/cut"
page=$work/cut/report.html
in_page 'no checkpoint yet: no captions'
sed "s|scenes.h5|none.h5|" "$run/config.yaml" >"$work/cut/config.yaml"
expect 0 troupe report "$work/cut"
in_page 'none.h5'

# served: the page, newer data, nothing else; until it is told to stop
troupe report "$run" --serve 0 >"$work/served" 2>"$work/served.err" &
server=$!
wait_for '^http://127.0.0.1:[0-9]*/$' "$work/served"
port=$(sed 's|.*:\([0-9]*\)/|\1|' "$work/served")
page=$work/answer
get() { # PATH: into $work/answer
  # shellcheck disable=SC2016
  bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"; printf "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" "$1" >&3; cat <&3' "$port" "$1" >"$page"
}
if command -v bash >/dev/null; then
  get /
  in_page 'HTTP/1.1 200 OK'
  in_page '"live":true'
  in_page '"when":"before"'
  get /data.json
  in_page 'Content-Type: application/json'
  in_page '"eval/CIDEr":['
  grep -q '"attention"' "$page" && fail "the gallery is in the data"
  echo '{"iteration":5,"reward":4.75}' >>"$run/metrics.jsonl"
  get /data.json
  in_page ',4.75]'
  get "/../../etc/passwd"
  in_page 'HTTP/1.1 404 Not Found'
  get /metrics.jsonl
  in_page 'HTTP/1.1 404 Not Found'
fi
expect 2 troupe report "$run" --serve "$port"
says "port $port of 127.0.0.1: "
kill -TERM "$server"
wait "$server" || fail "the server: exit $?: $(cat "$work/served.err")"
expect 2 troupe report "$run" --serve 0 --out "$work/x.html"
expect 2 troupe report "$run" --serve 65536
expect 2 troupe report "$work/nowhere" --serve 0

# wrong input
mkdir "$work/empty"
expect 2 troupe report
says 'RUN... was expected'
expect 2 troupe report "$work/empty"
says 'not of a run'
expect 2 troupe report "$run" "$work/nowhere"
says 'no such folder'
expect 2 troupe report "$run/metrics.jsonl"
says 'no such folder'
[ -e report.html ] && fail "a refused report left a page"
expect 1 troupe report "$run" --out "$work/nowhere/report.html"
exit 0
