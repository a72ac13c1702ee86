#!/bin/sh
# What libtally exports is its public interface and nothing else. Argument: libtally.so.
exported=$(nm --dynamic --defined-only --format=posix "$1" | cut -d ' ' -f 1)

echo 1..2
others=$(echo "$exported" | grep -v '^tally_')
if [ -z "$others" ]
then
  echo "ok 1 - only_names_that_begin_with_tally"
else
  echo "not ok 1 - only_names_that_begin_with_tally"
  echo "$others" | sed 's/^/# /'
fi
if echo "$exported" | grep -qx tally_channel_new
then
  echo "ok 2 - the_public_interface_is_there"
else
  echo "not ok 2 - the_public_interface_is_there"
fi
