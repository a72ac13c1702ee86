#!/bin/sh
# What does not use the libraries beside libtally loads none of what these load. Arguments: libtally-admin or "", libtally-zookeeper
# or "", then libraries and programs.
# shellcheck source=tests/report.sh
. "$(dirname "$0")/../report.sh"
admin=$1
zookeeper=$2
shift 2

echo 1..5
# with what they load in turn
report 1 others_load_none_of_their_libraries "$(for file
do
  ldd "$file" | grep -E 'libsoup|libtally-admin|libzookeeper|libtally-zookeeper' | sed "s|^|$file: |"
done)"
report 2 others_name_none_of_their_symbols "$(for file
do
  nm --dynamic --undefined-only --format=posix "$file" | grep -E '^(soup_|zoo_|zookeeper_|tally_admin_|tally_zookeeper_)' | sed "s|^|$file: |"
done)"
report 3 they_do_load_libtally "$(for file
do
  case $file in
    */libtally.so*) ;;
    *) ldd "$file" | grep -q libtally || echo "$file"
  esac
done)"

# exports NUMBER NAME LIBRARY: names that begin with tally_NAME_ and no others.
exports ()
{
  if [ -z "$3" ]
  then
    echo "ok $1 - $2_exports_its_own_names # SKIP libtally-$2 is not built"
  else
    report "$1" "$2_exports_its_own_names" "$(nm --dynamic --defined-only --format=posix "$3" | cut -d ' ' -f 1 | grep -v "^tally_$2_")"
  fi
}
exports 4 admin "$admin"
exports 5 zookeeper "$zookeeper"
