#!/bin/sh
# What libtally exports is its public interface and nothing else: names that begin with tally, those that installed
# headers declare, and none of what files of the library share among themselves.
# Arguments: libtally.so, the folder with the sources.
# shellcheck source=tests/report.sh
. "$(dirname "$0")/../report.sh"
exported=$(nm --dynamic --defined-only --format=posix "$1" | cut -d ' ' -f 1 | sort -u)
cd "$2" || exit 1

# Which of the names on standard input the headers named by the arguments do not mention.
missing_in ()
{
  while read -r name
  do
    grep -qw -e "$name" "$@" || echo "$name"
  done
}

echo 1..4
report 1 only_names_that_begin_with_tally "$(echo "$exported" | grep -v '^tally_')"
report 2 the_public_interface_is_there "$(echo "$exported" | grep -qx tally_channel_new || echo tally_channel_new)"
# G_DECLARE_… declares what has no line of its own
report 3 public_headers_declare_all_of_it "$(echo "$exported" | grep -v '_get_type$' \
  | missing_in pool/tally*.h runtime/tally*.h)"
# what only runtime/ needs of pool/
internal=$(cat pool/*-internal.h | grep -oE '\btally_\w+ \(' | tr -d ' (' | sort -u)
report 4 nothing_internal_is_exported "$(echo "$internal" | while read -r name
do
  grep -qw -e "$name" pool/tally*.h || echo "$exported" | grep -x -e "$name"
done)"
