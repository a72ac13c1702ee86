#!/bin/bash
# All of Tally, the examples and what is generated for them, built as meson's unity builds: first with as many files in one
# unit as there are, so that each clash of names is found, then as unity=on does it. Argument: the sources' directory.
set -u
command -v meson >/dev/null && command -v ninja >/dev/null || { echo '1..0 # SKIP no meson or ninja'; exit; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0

# check NAME OPTION...
check ()
{
  local name=$1
  shift
  number=$((number + 1))
  if meson setup "$scratch/$name" "$source" -Dunity=on -Dwerror=true -Dtests=false -Dexamples=true -Dbuildtype=plain "$@" \
      >"$scratch/said" 2>&1 && ninja -C "$scratch/$name" >>"$scratch/said" 2>&1 \
      && "$scratch/$name/examples/echo/echo-client" --help >>"$scratch/said" 2>&1
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    grep -E -A4 'error|FAILED|ERROR' "$scratch/said" | head -n 60 | sed 's/^/# /'
  fi
}

source=$1
echo 1..2
check one_unit_for_each_target -Dunity_size=1000
check units_of_a_few_files
