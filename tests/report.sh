# shellcheck shell=sh
# How tests in shell that look for what is wrong report it; sourced by them.

# report NUMBER NAME WRONG: passes when WRONG is empty.
report ()
{
  if [ -z "$3" ]
  then
    echo "ok $1 - $2"
  else
    echo "not ok $1 - $2"
    echo "$3" | sed 's/^/# /'
  fi
}
