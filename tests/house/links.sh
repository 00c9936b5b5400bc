#!/bin/sh
# Every relative link of the pages leads to a file that is there, and every #anchor to a heading (as GitHub names them).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ git ls-files '*.md' 2>/dev/null || true; } | grep . >"$work/pages" || find . -name '*.md' -not -path './build/*' >"$work/pages"

anchors() { # PAGE: one a line; the second heading of a name gets -1, and so on
  awk '/^```/ { fenced = !fenced } !fenced && /^#+ / { sub(/^#+ +/, ""); sub(/ +$/, ""); print }' "$1" | tr '[:upper:]' '[:lower:]' |
    sed -e 's/`//g' -e 's/\[\([^]]*\)\]([^)]*)/\1/g' -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g' |
    awk '{ print $0 (seen[$0]++ ? "-" seen[$0] - 1 : "") }'
}

links() { # PAGE: LINE TARGET, without what stands in code
  awk '/^```/ { fenced = !fenced } fenced || /^    / { next }
    { gsub(/`[^`]*`/, "")
      while (match($0, /\]\([^) ]+/)) { print NR, substr($0, RSTART + 2, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' "$1"
}

while read -r page; do
  links "$page" | while read -r line target; do
    case $target in *://* | mailto:*) continue ;; esac
    file=${target%%#*} anchor=
    case $target in *'#'*) anchor=${target#*#} ;; esac
    if [ -n "$file" ]; then file=$(dirname "$page")/$file; else file=$page; fi
    if [ ! -e "$file" ]; then
      echo "$page:$line: $target: no such file"
    elif [ -n "$anchor" ] && ! anchors "$file" | grep -qxF "$anchor"; then
      echo "$page:$line: $target: no such heading"
    fi
  done
done <"$work/pages" >"$work/broken"

if [ -s "$work/broken" ]; then
  cat "$work/broken"
  exit 1
fi
