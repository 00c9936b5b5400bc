#!/bin/sh
# The man pages, made of what the programs say of themselves: deploy/man.sh PROGRAM FOLDER
#   troupe-VERB.1  of `troupe VERB --help`
#   troupe.1       of `troupe --help`
#   troupe.yaml.5  of `troupe train --print-options`: every option of a configuration
set -eu
here=$(dirname "$0") troupe=$1 out=$2
version=$("$troupe" version | awk '$1 == "troupe" { print $2 }')
mkdir -p "$out"
roff() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"; }

"$troupe" --help | sed -n 's/^  \([a-z]*\) *\(.*\)/\1 \2/p' | while read -r verb about; do
  "$troupe" "$verb" --help | awk -v name="$verb" -v version="$version" -v about="$about" -f "$here/man.awk" >"$out/troupe-$verb.1"
done

{
  cat <<END_OF_HEAD
.TH TROUPE 1 "" "troupe $version" "troupe manual"
.SH NAME
troupe \- trains image\-captioning models by reinforcement learning, over MPI
.SH SYNOPSIS
.B troupe
.I VERB
[options]
.br
.B mpirun
\-np 1 troupe\-learner
.I CONFIG
: \-np
.I ACTORS
troupe\-actor
.I CONFIG
.SH DESCRIPTION
A captioner is trained with cross\-entropy, then by group\-relative policy optimisation: actors hold policy snapshots, sample
groups of captions and score them; the learner makes advantages and clipped, KL\-regularised steps of them, and sends new weights.
.SH VERBS
END_OF_HEAD
  "$troupe" --help | sed -n 's/^  \([a-z]*\) *\(.*\)/\1 \2/p' | while read -r verb about; do
    printf '.TP\n.BR troupe\\-%s (1)\n' "$verb"
    printf '%s\n' "$about" | roff
  done
  cat <<'END_OF_TAIL'
.SH EXIT STATUS
0: success; 1: the work failed; 2: wrong usage or input. A message says FILE:LINE or the option, what is wrong, and what was expected.
.SH ENVIRONMENT
.TP
.B TROUPE_ENCODERS
Folder in which encoders' weights are looked for.
.TP
.B TROUPE_METEOR
METEOR's data file, as deploy/fetch\-meteor.sh makes it.
.TP
.B TROUPE_LOG
error, warning, info (default) or debug.
.TP
.B NO_COLOR
No colour on a terminal.
.SH FILES
Of an installation, under its PREFIX; in a checkout they are in deploy/:
.TP
.B share/troupe/configs
Configurations to begin with.
.TP
.BR share/troupe/fetch\-encoder.sh ", " fetch\-meteor.sh
Fetch encoders' weights and METEOR's data (python3 and pip).
.TP
.B share/troupe/slurm
Batch scripts.
.TP
.B share/troupe/interop
Loaders for PyTorch and ONNX Runtime.
.TP
.B share/doc/troupe
README, guides from other tools and to clusters.
.SH SIGNALS
INT, TERM and USR1 stop a training at its next safe point; it saves what it has, and the same command resumes. A second one stops it at once.
.SH SEE ALSO
.BR troupe.yaml (5),
.BR mpirun (1)
END_OF_TAIL
} >"$out/troupe.1"

{
  cat <<END_OF_HEAD
.TH TROUPE.YAML 5 "" "troupe $version" "troupe manual"
.SH NAME
troupe.yaml \- configuration of troupe pretrain and troupe train
.SH DESCRIPTION
YAML: sections of options, each option below with its default. A file says only what differs;
.B \-\-set a.b=c
goes over it. Unknown options and values out of bounds are errors that name the line.
.SH OPTIONS
END_OF_HEAD
  "$troupe" train --print-options | awk -F'\t' '
    { section = $1; sub(/\..*/, "", section); if (section != last) print ".SS " section; last = section
      gsub(/\\/, "\\e", $3); gsub(/-/, "\\-", $3)
      printf ".TP\n.B %s\n%s\n", $1, $3 }'
} >"$out/troupe.yaml.5"
