#!/bin/sh
# Builds the Java peer: THRIFT JAVAC IDL SOURCE DIRECTORY OUTPUT CLASSPATH.
set -eu
thrift=$1 javac=$2 idl=$3 source=$4 directory=$5 output=$6 path=$7

rm -rf "$directory"
mkdir -p "$directory/code" "$directory/classes"
"$thrift" --gen java:generated_annotations=suppress -out "$directory/code" "$idl" >/dev/null 2>&1
"$javac" -nowarn -encoding UTF-8 -cp "$path" -d "$directory/classes" "$directory"/code/*.java "$source" \
  >/dev/null 2>"$directory/errors" || { cat "$directory/errors" >&2; exit 1; }
exec "$(dirname "$javac")/jar" cf "$output" -C "$directory/classes" .
