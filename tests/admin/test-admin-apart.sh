#!/bin/sh
# What does not use the admin listener loads none of its libraries. Arguments: libtally-admin or "", then libraries and programs.
# shellcheck source=tests/report.sh
. "$(dirname "$0")/../report.sh"
admin=$1
shift

echo 1..3
# with what they load in turn
report 1 others_load_no_libsoup "$(for file
do
  ldd "$file" | grep -E 'libsoup|libtally-admin' | sed "s|^|$file: |"
done)"
report 2 they_do_load_libtally "$(for file
do
  case $file in
    */libtally.so*) ;;
    *) ldd "$file" | grep -q libtally || echo "$file"
  esac
done)"
if [ -z "$admin" ]
then
  echo 'ok 3 - it_exports_its_own_names # SKIP libtally-admin is not built'
else
  report 3 it_exports_its_own_names "$(nm --dynamic --defined-only --format=posix "$admin" | cut -d ' ' -f 1 | grep -v '^tally_admin_')"
fi
