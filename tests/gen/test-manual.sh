#!/bin/bash
# Holds what is written about tallyc against tallyc: the manual page has every option, the list of rules every
# rule. Arguments: the manual page, the list of rules, tallyc.
# shellcheck source=tests/report.sh
. "$(dirname "$0")/../report.sh"
set -u
page=$1
list=$2
tallyc=$3

missing=
for option in $("$tallyc" --help | grep -oE '^  -[^ ]+(, -[^ ]+)*' | tr -d ',' | sed 's/\[=ID\]//')
do
  grep -qF -- "$(printf '%s' "$option" | sed 's/-/\\-/g')" "$page" || missing+=" $option"
done
echo 1..3
report 1 the_page_has_every_option "${missing:+without:$missing}"

"$tallyc" --list-rules | sed -E 's/^([^ ]+) +(.*)$/| `\1` | \2 |/' >"${TMPDIR:-/tmp}/rules.$$"
report 2 the_list_has_every_rule "$(sed '1,/^| rule/d' "$list" | grep '^| `' | diff - "${TMPDIR:-/tmp}/rules.$$")"
rm -f "${TMPDIR:-/tmp}/rules.$$"

if command -v mandoc >/dev/null
then
  report 3 the_page_is_well_formed "$(mandoc -T lint -W error "$page" 2>&1)"
elif command -v groff >/dev/null
then
  report 3 the_page_is_well_formed "$(groff -man -z -ww "$page" 2>&1)"
else
  echo 'ok 3 - the_page_is_well_formed # SKIP neither mandoc nor groff'
fi
