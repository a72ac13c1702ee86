#!/bin/bash
# What bash completes behind `tallyc`. Arguments: the completion script and tallyc.
set -u
script=$(realpath "$1")
tallyc=$(realpath "$2")
scratch=$(mktemp -d)
number=0
trap 'rm -rf "$scratch"' EXIT
# shellcheck source=/dev/null # the script that is tested
. "$script"
cd "$scratch" || exit 1
mkdir dir 'a dir'
touch demo.thrift other.c dir/x.thrift

# completes NAME EXPECTED WORD…: the words after tallyc, the last one to be completed, as bash divides them.
completes ()
{
  local name=$1 expected=$2 said
  shift 2
  number=$((number + 1))
  COMP_WORDS=(tallyc "$@")
  COMP_CWORD=$#
  _tallyc "$tallyc" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  said=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -s -d '|')
  if [ "$said" = "$expected" ]
  then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    echo "# $said, not $expected"
  fi
}

has_every_option ()
{
  local option missing=
  number=$((number + 1))
  for option in $("$tallyc" --help | grep -oE '^  -[^ ]+(, -[^ ]+)*' | tr -d ',' | sed 's/\[=ID\]//')
  do
    COMP_WORDS=(tallyc "$option")
    COMP_CWORD=1
    _tallyc "$tallyc" "$option" tallyc
    [[ $option = -I* || " ${COMPREPLY[*]} " = *" $option "* ]] || missing+=" $option"
  done
  if [ -z "$missing" ]
  then
    echo "ok $number - every_option"
  else
    echo "not ok $number - every_option"
    echo "# without$missing"
  fi
}

echo 1..12
export LC_ALL=C
completes files 'a dir|demo.thrift|dir' ''
completes files_in_a_directory 'dir/x.thrift' dir/
completes an_option '--check' --che
completes options '--diagnostics|--diff' --di
completes a_directory_to_include 'a dir|dir' -I ''
completes a_directory_in_one_word '-Idir' -Idi
completes a_directory_for_output 'a dir|dir' --out ''
completes a_generator 'c_glib' --gen ''
completes a_form 'json|text' --diagnostics = ''
completes a_rule 'implicit-id' --warn-as-error = impl
completes every_rule_but_only_behind_the_sign 'demo.thrift' --warn-as-error demo
has_every_option
