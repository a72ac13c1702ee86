#!/bin/sh
# Builds the Go peer: THRIFT GO IDL SOURCE DIRECTORY OUTPUT. Generated code is a package of a workspace of its own; Apache's
# library lies where Debian has it.
set -eu
thrift=$1 go=$2 idl=$3 source=$4 directory=$5 output=$6

mkdir -p "$directory/src"
"$thrift" --gen go -out "$directory/src" "$idl" >/dev/null 2>&1
rm -rf "$directory"/src/interop/*-remote
case $directory in
  /*) ;;
  *) directory=$PWD/$directory ;;
esac
export GO111MODULE=off GOFLAGS= GOPATH="$directory:/usr/share/gocode" HOME="${HOME:-$directory}"
exec "$go" build -o "$output" "$source"
