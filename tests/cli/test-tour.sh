#!/bin/bash
# Runs the commands of docs/tally.md and compares what they say. Arguments: the page, tally, the calculator's server, the directory
# with its IDL. With TALLY_UPDATE_TOUR=1 the page is written anew instead.
set -u
page=$(realpath "$1")
tally=$(realpath "$2")
server=$(realpath "$3")
. "$(dirname "$0")/said.sh"
cd "$4" || exit 1
serves "$server" tcp://localhost:0

# What a command of the page says: its port is the server's, and its words are the page's again. The status is kept for the next one.
status=0
runs ()
{
  local command=${1//tcp:\/\/localhost:9090/$uri}
  tally () { "$tally" "$@"; }
  { (exit "$status"); eval "$command"; } >"$scratch/said" 2>&1
  status=$?
  sed -i "s|$uri|tcp://localhost:9090|g" "$scratch/said"
}

report ()
{
  number=$((number + 1))
  if diff "$scratch/expected" "$scratch/said" >"$scratch/diff"
  then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    sed 's/^/# /' "$scratch/diff"
  fi
}

command=
in_block=
: >"$scratch/page"
finish ()
{
  [ -z "$command" ] || report "$command"
  command=
}
while IFS= read -r line
do
  if [ "$line" = '```console' ]
  then
    in_block=yes
  elif [ "$line" = '```' ] && [ -n "$in_block" ]
  then
    finish
    in_block=
  elif [ -n "$in_block" ] && [[ $line = '$ '* ]]
  then
    finish
    command=${line#'$ '}
    : >"$scratch/expected"
    runs "$command"
    { printf '%s\n' "$line"; cat "$scratch/said"; } >>"$scratch/page"
    continue
  elif [ -n "$in_block" ]
  then
    printf '%s\n' "$line" >>"$scratch/expected"
    continue
  fi
  printf '%s\n' "$line" >>"$scratch/page"
done <"$page"
echo "1..$number"
[ -z "${TALLY_UPDATE_TOUR-}" ] || cp "$scratch/page" "$page"
[ "$number" -gt 0 ]
