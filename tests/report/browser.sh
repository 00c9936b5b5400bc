#!/bin/sh
# The page of troupe report in a real browser: tests/report/browser.sh RUN... makes a page of these runs, opens it in headless
# Chromium, uses it (probe.js), and looks for errors in the console and requests to the network. Without arguments: of tiny runs.
# SHOTS=FOLDER keeps screenshots: light, dark, and of each part.
set -u
cd "$(dirname "$0")/../.." || exit 1
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "SKIP: no chromium here (Debian: apt-get install chromium)"; exit 77; }
# shellcheck source=tests/mpi/tiny.sh
. tests/mpi/tiny.sh
if [ $# = 0 ]; then
  tiny_data
  troupe pretrain "${work:?}/tiny.yaml" --set run.dir="$work/pretrain" 2>"$work/err" || fail "pretrain"
  troupe train "$work/tiny.yaml" -n 2 --trace --set run.dir="$work/train" --set policy.iterations=20 \
    --set policy.init="$work/pretrain/checkpoints/best.h5" 2>"$work/err" || fail "train"
  set -- "$work/train" "$work/pretrain"
fi
expect 0 troupe report "$@" --out "${work:?}/report.html"

# --no-sandbox: as root, in containers; the page is our own
chromium() {
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --disable-background-networking \
    --user-data-dir="$work/profile" --virtual-time-budget=6000 "$@" 2>"$work/err"
}
awk -v first=tests/report/probe.html -v last=tests/report/probe.js '
  /^<style>/ { while ((getline line < first) > 0) print line }
  { print }
  /^<script>"use strict"/ { ours = 1 }
  ours && /^if \(data.live\)/ { while ((getline line < last) > 0) print line }' "$work/report.html" >"$work/probe.html"
chromium --window-size=1400,1000 --dump-dom "file://$work/probe.html" >"$work/dom" || fail "chromium: $(tail -n 3 "$work/err")"
sed -n '/<pre id="probe">$/,/^end/p' "$work/dom" >"$work/out"
grep -q "^end" "$work/out" || fail "the probe did not come to its end: $(tail -n 3 "$work/err")"
grep '^FAULT' "$work/out" && fail "see above"
echo "$(grep -c '^ok' "$work/out") checks in $("$browser" --version 2>/dev/null)"

# served: it asks for newer data
troupe report "$@" --serve 0 >"$work/served" 2>"$work/served.err" &
server=$!
wait_for '^http' "$work/served"
chromium --dump-dom "$(cat "$work/served")" >"$work/dom" || fail "chromium: $(tail -n 3 "$work/err")"
kill -TERM "$server"
wait "$server" || fail "the server: $(cat "$work/served.err")"
grep -q 'id="subtitle">[^<]*live, ' "$work/dom" || fail "what is served does not keep itself up to date"

[ -n "${SHOTS:-}" ] || exit 0
mkdir -p "$SHOTS"
for theme in light dark; do
  chromium --window-size=1400,${HEIGHT:-3000} --screenshot="$SHOTS/$theme.png" "file://$work/report.html?theme=$theme"
done
