# What the tests of the command share; sourced. It has scratch, a directory that ends with the test, and number, that of the last test
# point.
scratch=$(mktemp -d)
server_pid=
number=0

clean_up ()
{
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null
  rm -rf "$scratch"
}
trap clean_up EXIT

# serves COMMAND WORD…: starts the server, in place of the one before, and sets uri to where it listens.
serves ()
{
  local line=
  [ -z "$server_pid" ] || { kill "$server_pid"; wait "$server_pid" 2>/dev/null; }
  rm -f "$scratch/fifo"
  mkfifo "$scratch/fifo"
  "$@" >"$scratch/fifo" &
  server_pid=$!
  exec 9<"$scratch/fifo"
  IFS= read -r line <&9
  uri=${line#listening on }
}

# hears PATTERN: waits until a line of the server's matches; all that came until then are added to $scratch/heard.
hears ()
{
  local line=
  while IFS= read -r -t 60 line <&9
  do
    printf '%s\n' "$line" >>"$scratch/heard"
    [[ ! $line =~ $1 ]] || return 0
  done
  return 1
}

# says NAME STATUS PATTERN COMMAND…: the command exits so, and what it prints on both outputs matches.
says ()
{
  local name=$1 expected=$2 pattern=$3 said status=0
  shift 3
  said=$("$@" 2>&1) || status=$?
  number=$((number + 1))
  if [ "$status" -eq "$expected" ] && [[ $said =~ $pattern ]]
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    printf 'status %s\n%s\n' "$status" "$said" | sed 's/^/# /'
  fi
}
