# A verb's --help -> its man page: awk -v name=evaluate -v version=0.1.0 -v about="caption a split" -f man.awk
# Paragraphs stay; a table of options ("  -n, --threads N   help", continued lines further right) becomes a list.
function roff(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  if (text ~ /^[.']/) text = "\\\\&" text
  return text
}
function paragraph(macro) { if (!open_paragraph) { print macro; open_paragraph = 1 } }
BEGIN {
  printf ".TH TROUPE\\-%s 1 \"\" \"troupe %s\" \"troupe manual\"\n", toupper(name), version
  printf ".SH NAME\ntroupe\\-%s \\- %s\n", name, roff(about)
}
/^usage: / { sub(/^usage: /, ""); print ".SH SYNOPSIS\n.nf"; print roff($0); in_usage = 1; next }
in_usage && /^ +/ { sub(/^ +/, "    "); print roff($0); next }
in_usage { print ".fi\n.SH DESCRIPTION"; in_usage = 0 }
/^$/ { open_paragraph = 0; next }
/^  -/ {
  if (!options++) print ".SH OPTIONS"
  match($0, /[^ ]  +/)
  term = RSTART ? substr($0, 3, RSTART - 2) : substr($0, 3)
  print ".TP\n.B " roff(term)
  if (RSTART) print roff(substr($0, RSTART + RLENGTH))
  next
}
options && /^    / { sub(/^ +/, ""); print roff($0); next }
/^  / { if (!open_paragraph) print ".PP"; print ".nf\n" roff($0) "\n.fi"; open_paragraph = 1; next }
{ paragraph(".PP"); print roff($0) }
END {
  print ".SH EXIT STATUS\n0: success; 1: the work failed; 2: wrong usage or input."
  print ".SH SEE ALSO\n.BR troupe (1),\n.BR troupe.yaml (5)"
}
