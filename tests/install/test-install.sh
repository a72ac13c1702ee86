#!/bin/bash
# Installs Tally into a directory of its own and uses it as a stranger would: through pkg-config only, with
# the programs of the README, of docs/pool.md and of docs/reference.md. Arguments: the sources' directory and the build directory.
set -u
sources=$1
build=$2
scratch=$(mktemp -d)
server=
number=0

clean_up ()
{
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
  rm -rf "$scratch"
}
trap clean_up EXIT

# check NAME COMMAND…: one test; what the command says is shown when it fails. Status 77 skips it, for the reason
# that the command said.
check ()
{
  local name=$1 status=0
  shift
  number=$((number + 1))
  "$@" >"$scratch/said" 2>&1 || status=$?
  case $status in
    0) echo "ok $number - $name" ;;
    77) echo "ok $number - $name # SKIP $(cat "$scratch/said")" ;;
    *)
      echo "not ok $number - $name"
      sed 's/^/# /' "$scratch/said" | tail -n 40
      ;;
  esac
}

# The library goes to a staging directory; its pkg-config file is told where that is, as it would be if
# the directory were the prefix.
installs ()
{
  meson install -C "$build" --no-rebuild --destdir "$scratch/root" || return
  local file
  file=$(find "$scratch/root" -name tally.pc)
  sed -i "s|^prefix=|prefix=$scratch/root|" "$(dirname "$file")"/tally*.pc || return
  PKG_CONFIG_PATH=$(dirname "$file")
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir "$file")
  export PKG_CONFIG_PATH LD_LIBRARY_PATH
}

names_the_programs ()
{
  local tallyc tally
  tallyc=$(pkg-config --variable=tallyc tally) && test -x "$tallyc" && "$tallyc" --version || return
  tally=$(pkg-config --variable=tally tally) && test -x "$tally" && "$tally" --version
}

installs_every_header_that_is_included ()
{
  local include name
  include=$(pkg-config --variable=includedir tally)/tally || return
  grep --no-filename '^#include "' "$include"/*.h | cut -d '"' -f 2 | sort -u >"$scratch/names"
  test -s "$scratch/names" || return
  while read -r name
  do
    test -f "$include/$name" || { echo "$name is not installed"; return 1; }
  done <"$scratch/names"
}

# has_program NAME: or the test is skipped.
has_program ()
{
  command -v "$1" >/dev/null || { echo "there is no $1"; return 77; }
}

# Whether libtally-admin was built.
has_admin ()
{
  pkg-config --exists tally-admin
}

# Whether libtally-zookeeper was built.
has_zookeeper ()
{
  pkg-config --exists tally-zookeeper
}

# each_header_compiles COMPILER…: on its own.
each_header_compiles ()
{
  local header flags
  has_program "$1" || return
  flags=$(pkg-config --cflags tally $(has_admin && echo tally-admin) $(has_zookeeper && echo tally-zookeeper) | sed 's/-I\([^ ]*\)/-isystem \1/g') || return
  for header in "$(pkg-config --variable=includedir tally)"/tally*/*.h "$scratch"/hello/*.h
  do
    # Not as a system header, so that the header's own warnings are seen; its directory first for its peers.
    # shellcheck disable=SC2086 # flags are words
    echo "#include \"$header\"" | "$@" -Wall -Wextra -Werror -Wno-unused-parameter -fsyntax-only $flags \
      -I "$scratch/hello" - || { echo "$header"; return 1; }
  done
}

# What programs pass to tally_struct_encode () since 0.1, whose parameter was a gboolean, and what they pass today.
old_and_new_calls_compile_as_cpp ()
{
  has_program c++ || return
  # shellcheck disable=SC2046 # flags are words
  c++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror -x c++ $(pkg-config --cflags tally | sed 's/-I/-isystem /g') - <<'END'
#include <tally.h>
GBytes *old_way (gpointer object) { return tally_struct_encode (object, TRUE, nullptr); }
GBytes *new_way (gpointer object) { return tally_struct_encode (object, TALLY_PROTOCOL_COMPACT, nullptr); }
END
}

# The README's files, as a reader would copy them.
extracts_the_readme ()
{
  local name
  mkdir -p "$scratch/readme"
  awk -v directory="$scratch/readme" -f "$sources/tests/install/readme.awk" "$sources/README.md"
  for name in greeter.thrift client.c server.c meson.build install.sh gcc.sh meson.sh
  do
    test -s "$scratch/readme/$name" || { echo "no $name in the README"; return 1; }
  done
}

# In the layout that tallyc itself gives it.
formats_the_readme ()
{
  "$(pkg-config --variable=tallyc tally)" --format --diff "$scratch/readme/greeter.thrift"
}

# With nothing but a compiler and pkg-config.
compiles_by_hand ()
{
  local tallyc name
  mkdir -p "$scratch/hello"
  tallyc=$(pkg-config --variable=tallyc tally) || return
  "$tallyc" --out "$scratch/hello" "$scratch/readme/greeter.thrift" || return
  for name in client server
  do
    # shellcheck disable=SC2046 # flags are words
    cc -Wall -Wextra -Werror -Wno-unused-parameter -o "$scratch/hello/$name" -I "$scratch/hello" \
      "$scratch/readme/$name.c" "$scratch"/hello/*.c $(pkg-config --cflags --libs tally) || return
  done
}

compiles_with_meson ()
{
  meson setup -Dwerror=true "$scratch/readme/build" "$scratch/readme" && ninja -C "$scratch/readme/build"
}

# serves DIRECTORY: starts the server there, and sets uri to where it listens.
serves ()
{
  local line
  mkfifo "$scratch/said-by-server"
  "$1/server" tcp://localhost:0 >"$scratch/said-by-server" &
  server=$!
  read -r line <"$scratch/said-by-server"
  rm "$scratch/said-by-server"
  uri=${line#listening on }
}

# ends_by SIGNAL: the server.
ends_by ()
{
  local status=0
  kill "-$1" "$server"
  wait "$server" || status=1
  server=
  return "$status"
}

# greets DIRECTORY SIGNAL: the programs there talk to each other, and the signal stops the server.
greets ()
{
  local said status=0
  serves "$1"
  said=$("$1/client" "$uri") || status=1
  echo "$uri; $said"
  ends_by "$2" || status=1
  [ "$status" -eq 0 ] && [ "$said" = "Hello, world!" ]
}

# The program of docs/pool.md that uses a pool without calls, by that page's command.
counts_without_calls ()
{
  local port said pid
  mkdir -p "$scratch/pool" && mkfifo "$scratch/counter-in" "$scratch/counter-out" || return
  awk -v directory="$scratch/pool" -f "$sources/tests/install/readme.awk" "$sources/docs/pool.md"
  test -s "$scratch/pool/count.c" || { echo "no count.c in docs/pool.md"; return 1; }
  (cd "$scratch/pool" && sed 's/^gcc /gcc -Wall -Wextra -Werror -Wno-unused-parameter /' count.sh | sh -e) || return
  python3 "$sources/tests/install/counter.py" <"$scratch/counter-in" >"$scratch/counter-out" &
  pid=$!
  exec 8>"$scratch/counter-in" 9<"$scratch/counter-out"
  read -r port <&9
  said=$("$scratch/pool/count" "tcp://127.0.0.1:$port")
  exec 8>&-
  said="$said, counted: $(cat <&9)"
  exec 9<&-
  wait "$pid"
  echo "$said"
  [[ $said =~ ^100\ requests\ over\ [12]\ connections,\ counted:\ 100\ [12]$ ]]
}

# The program of docs/reference.md, with the typelib that was installed.
borrows_from_python ()
{
  local said status=0
  export GI_TYPELIB_PATH=$LD_LIBRARY_PATH/girepository-1.0
  test -f "$GI_TYPELIB_PATH/Tally-0.typelib" || { echo "no typelib was built"; return 77; }
  python3 -c 'import gi' 2>/dev/null || { echo "there is no python3-gi"; return 77; }
  mkdir -p "$scratch/python" || return
  awk -v directory="$scratch/python" -f "$sources/tests/install/readme.awk" "$sources/docs/reference.md"
  test -s "$scratch/python/pool.py" || { echo "no pool.py in docs/reference.md"; return 1; }
  serves "$scratch/hello"
  said=$(python3 "$scratch/python/pool.py" "$uri" 2>&1) || status=1
  echo "$said"
  ends_by TERM || status=1
  [ "$status" -eq 0 ] && [ "$said" = "opened $uri
the connection is new: True
idle: 1
closed $uri" ]
}

# The program of docs/admin.md, by that page's command, and what it shows.
is_looked_at ()
{
  local said line admin pid status=0
  has_admin || { echo "libtally-admin was not built"; return 77; }
  mkdir -p "$scratch/watched" && mkfifo "$scratch/watched/in" "$scratch/watched/out" || return
  cp "$scratch/readme/greeter.thrift" "$scratch/watched"
  awk -v directory="$scratch/watched" -f "$sources/tests/install/readme.awk" "$sources/docs/admin.md"
  test -s "$scratch/watched/watched.c" || { echo "no watched.c in docs/admin.md"; return 1; }
  (cd "$scratch/watched" && PATH=$(dirname "$(pkg-config --variable=tallyc tally)"):$PATH \
    && sed 's/^gcc /gcc -Wall -Wextra -Werror -Wno-unused-parameter /' watched.sh | sh -e) || return
  serves "$scratch/hello"
  "$scratch/watched/watched" "$uri" http://127.0.0.1:0 <"$scratch/watched/in" >"$scratch/watched/out" &
  pid=$!
  exec 8>"$scratch/watched/in" 9<"$scratch/watched/out"
  read -r line <&9
  admin=${line#admin at }
  echo world >&8
  read -r line <&9
  said=$(python3 -c 'import sys, urllib.request; print (urllib.request.urlopen (sys.argv[1] + "/metrics").read ().decode ())' "$admin")
  exec 8>&- 9<&-
  wait "$pid" || status=1
  ends_by TERM || status=1
  echo "$line; $said"
  [ "$status" -eq 0 ] && [ "$line" = "Hello, world!" ] &&
    [[ $said == *'name="greeter",service="",method="greet",outcome="answered"} 1'* ]]
}

# What a user installs below a usual prefix is found there: meson's default is a directory in which the
# linker and pkg-config look.
default_directory_is_searched ()
{
  local directory
  meson setup "$scratch/default" "$sources" -Dtests=false -Dexamples=false --prefix=/usr/local || return
  directory=$(meson introspect "$scratch/default" --buildoptions | python3 -c '
import json, sys
print ([o["value"] for o in json.load (sys.stdin) if o["name"] == "libdir"][0])') || return
  echo "/usr/local/$directory"
  pkg-config --variable=pc_path pkg-config | tr : '\n' | grep -x "/usr/local/$directory/pkgconfig" &&
    cat /etc/ld.so.conf.d/*.conf | grep -x "/usr/local/$directory"
}

echo 1..16
check installs installs
check names_the_programs names_the_programs
check installs_every_header_that_is_included installs_every_header_that_is_included
check extracts_the_readme extracts_the_readme
check formats_the_readme formats_the_readme
check compiles_by_hand compiles_by_hand
check greets_by_hand greets "$scratch/hello" INT
check each_header_compiles_as_c each_header_compiles cc -x c -std=c11
check each_header_compiles_as_cpp each_header_compiles c++ -x c++ -std=c++17
check old_and_new_calls_compile_as_cpp old_and_new_calls_compile_as_cpp
check compiles_with_meson compiles_with_meson
check greets_with_meson greets "$scratch/readme/build" TERM
check counts_without_calls counts_without_calls
check borrows_from_python borrows_from_python
check is_looked_at is_looked_at
check default_directory_is_searched default_directory_is_searched
