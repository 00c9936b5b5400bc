#!/bin/sh
# Who may include whom: tests/check-layers.sh [ROOT]. Prints FILE:LINE and the rule that an include breaks; exits 1 on any.
#
#   base <- {config, tensor, data, vision, score} <- model <- proto <- {actor, learner}
#
# The middle five do not see each other, except that vision sees tensor. common/tool sees common/ only. actor and learner
# never see each other. A library is included in one place only (the table at the end of BEGIN).

cd "${1:-$(dirname "$0")/..}" || exit 1
find common proto actor learner \( -name '*.c' -o -name '*.h' -o -name '*.l' \) 2>/dev/null | LC_ALL=C sort | xargs awk '
BEGIN {
  sees["base"] = "base"
  sees["config"] = "base config"
  sees["tensor"] = "base tensor"
  sees["data"] = "base data"
  sees["vision"] = "base tensor vision"
  sees["score"] = "base score"
  sees["model"] = "base config tensor data vision score model"
  sees["tool"] = "base config tensor data vision score model tool"
  sees["proto"] = "base config tensor data vision score model proto"
  sees["actor"] = sees["proto"] " actor"
  sees["learner"] = sees["proto"] " learner"
  # header -> the only places that may include it: folders and files
  only["mpi.h"] = "proto actor/main.c learner/main.c"
  only["cblas.h"] = "common/tensor"
  only["yaml.h"] = "common/config"
  only["zip.h"] = "common/data"
  only["hdf5.h"] = "common/data common/model"
}
function layer(path, part) { # common/data/x.h -> data, proto/x.h -> proto
  split(path, part, "/")
  return part[1] == "common" ? part[2] : part[1]
}
function listed(word, list) { return index(" " list " ", " " word " ") > 0 }
function broken(rule) { printf "%s:%d: %s\n", FILENAME, FNR, rule; count++ }

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  header = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", header)
  sub(/[>"].*$/, "", header)
  mine = layer(FILENAME)
  base = header; sub(/^.*\//, "", base)
  if (base in only) {
    count_places = split(only[base], place, " "); allowed = 0
    for (i = 1; i <= count_places; i++)
      if (FILENAME == place[i] || index(FILENAME, place[i] "/") == 1) allowed = 1
    if (!allowed) broken(header " is included only in: " only[base])
    next
  }
  if (header ~ /^\.\.?\//) { broken("\"" header "\": includes are from the root, as in \"common/base/status.h\""); next }
  if (header !~ /^(common|proto|actor|learner)\//) next
  theirs = layer(header)
  if (!(mine in sees)) broken("folder " mine " is in no layer: add it to tests/check-layers.sh")
  else if (!listed(theirs, sees[mine])) broken(mine " may not include " theirs " (it sees: " sees[mine] ")")
}
END { exit count > 0 }'
