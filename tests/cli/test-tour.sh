#!/bin/bash
# Runs the commands of docs/tally.md and compares what they say. Arguments: the page, tally, the calculator's server, the directory
# with its IDL. With TALLY_UPDATE_TOUR=1 the page is written anew instead.
set -u
page=$(realpath "$1")
tally=$(realpath "$2")
server=$(realpath "$3")
. "$(dirname "$0")/said.sh"
# The page's files are the IDL's neighbours, and what it writes comes into being beside them.
cp "$4"/*.thrift "$4"/*.json "$scratch"
cd "$scratch" || exit 1
serves "$server" tcp://localhost:0

# In the background it is the process that a signal is for.
tally ()
{
  [ "$BASHPID" = $$ ] || exec "$tally" "$@"
  "$tally" "$@"
}

# listens FILE: waits until what was just started there says its first line into FILE, or ends.
listens ()
{
  local tail
  exec 8< <(exec tail -n +1 -F --pid=$! "$1" 2>/dev/null)
  tail=$!
  IFS= read -r <&8
  exec 8<&-
  kill "$tail" 2>/dev/null
}

# What a command of the page says: its port is the server's, and its words are the page's again. The status is kept for the next one. One in
# the background ("> FILE … &") is waited for until it listens, by a FILE in which nothing of an earlier one is left.
status=0
runs ()
{
  local command=${1//tcp:\/\/localhost:9090/$uri} file=
  command=${command//unix:@/unix:@tour-$$-}
  if [[ $command =~ \&$ ]]
  then
    [[ $command =~ \>\ ([a-z]+)\ (2\>\&1\ )?\&$ ]] || { echo 'it has no "> FILE" to wait by' >"$scratch/said"; return; }
    file=${BASH_REMATCH[1]}
    rm -f "$file"
  fi
  { (exit "$status"); eval "$command"; } >"$scratch/said" 2>&1
  status=$?
  [ -z "$file" ] || (listens "$file")
  sed -i "s|$uri|tcp://localhost:9090|g; s|@tour-$$-|@|g" "$scratch/said"
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
