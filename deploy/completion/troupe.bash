# Bash completion of troupe's verbs, options, --set paths and files: what the program itself says.
# shellcheck shell=bash disable=SC2207 # words without blanks

_troupe_verbs() { "$1" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p'; }
_troupe_options() { "$1" "$2" --help 2>/dev/null | sed -n -e 's/^  \(-[a-z]\), .*/\1/p' -e 's/^  \(-[a-z], \)*\(--[a-z0-9-]*\).*/\2/p'; }

# a.b= of every option of a configuration
_troupe_paths() { "$1" train --print-options 2>/dev/null | awk -F'\t' '{ print $1 "=" }'; }

_troupe() {
  local program=${COMP_WORDS[0]} verb=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "$(_troupe_verbs "$program") --help --version" -- "$word"))
  elif [ "$before" = --set ]; then
    COMPREPLY=($(compgen -W "$(_troupe_paths "$program")" -- "$word"))
    compopt -o nospace 2>/dev/null
  elif [ "${word#-}" != "$word" ]; then
    COMPREPLY=($(compgen -W "$(_troupe_options "$program" "$verb") --help" -- "$word"))
  else
    COMPREPLY=() # files, by -o default
  fi
}
complete -o default -F _troupe troupe
