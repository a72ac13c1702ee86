#!/bin/sh
# The README's greeter, built by meson, by gcc and by CMake with the Tally that is installed; each client must reach its
# server. Says what went wrong and ends with status 1. autopkgtest runs it, too.
set -eu
sources=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# build HOW: the folder $scratch/HOW with the README's files, built by the commands of that name.
build ()
{
  mkdir "$scratch/$1"
  awk -v directory="$scratch/$1" -f "$sources/tests/install/readme.awk" "$sources/README.md"
  awk -v directory="$scratch/$1" -f "$sources/tests/install/readme.awk" "$sources/docs/packages.md"
  (cd "$scratch/$1" && sh -e "$1.sh")
}

# greet DIRECTORY: the client there calls the server there.
greet ()
{
  mkfifo "$1/said"
  "$1/server" tcp://localhost:0 >"$1/said" &
  server=$!
  read -r line <"$1/said"
  said=$("$1/client" "${line#listening on }") || said="the client failed"
  kill -INT $server
  wait $server
  echo "$1: $said"
  [ "$said" = "Hello, world!" ]
}

build meson
greet "$scratch/meson/build"
build gcc
greet "$scratch/gcc"
build cmake
greet "$scratch/cmake/build"
tally describe "$scratch/gcc/greeter.thrift"
