#!/bin/bash
# Holds the manual page and bash's completion of tally against what its commands' --help says. Arguments: the page, the completion
# script, tally.
set -u
page=$(realpath "$1")
tally=$(realpath "$3")
number=0

report ()
{
  number=$((number + 1))
  if [ -z "$2" ]
  then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    printf '%s\n' "$2" | sed 's/^/# /'
  fi
}

# shellcheck source=/dev/null # the script that is tested
. "$2"
# completes WORD…: what bash offers for the last one.
completes ()
{
  COMP_WORDS=(tally "$@")
  COMP_CWORD=$#
  _tally "$tally" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  printf '%s\n' "${COMPREPLY[@]}"
}

echo 1..6
commands=$("$tally" --help | sed -n 's/^  tally \([a-z]*\) .*/\1/p')
in_page=
in_completion=
in_usage=
lost=
for command in $commands
do
  "$tally" "$command" --help | grep -q "^  tally $command \[OPTION" || in_usage+=" $command"
  "$tally" "$command" --help >/dev/full 2>/dev/null
  [ $? -eq 6 ] || lost+=" $command"
  grep -q "^\.SS \"\?tally $command" "$page" || in_page+=" $command"
  completes '' | grep -qx "$command" || in_completion+=" $command"
  for option in $("$tally" "$command" --help | grep -oE -- '--[a-z0-9][a-z0-9-]*' | sort -u | grep -v -x -e --help)
  do
    grep -qF -- "$(printf '%s' "$option" | sed 's/-/\\-/g')" "$page" || in_page+=" $command:$option"
    completes "$command" -- | grep -qx -e "$option" || in_completion+=" $command:$option"
  done
done
report the_page_has_every_command_and_option "$in_page"
report bash_completes_every_command_and_option "$in_completion"
report the_usage_has_the_command "$in_usage"
report help_that_is_lost_is_a_failure "$lost"
cd "$(mktemp -d)" || exit 1
touch a.thrift b.json
report bash_completes_files "$(completes call tcp://x '' | grep -vx a.thrift)"
rm -r "$PWD"
cd / || exit 1
if command -v mandoc >/dev/null
then
  report the_page_is_well_formed "$(mandoc -T lint -W error "$page" 2>&1)"
else
  echo 'ok 6 - the_page_is_well_formed # SKIP there is no mandoc'
fi
