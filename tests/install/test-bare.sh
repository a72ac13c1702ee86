#!/bin/bash
# The README, word by word, on a bare Debian 12 that debootstrap makes: clone, installation, the greeter by
# meson and by gcc, script/demo and script/test, in this order and in the opposite one. Needs root, debootstrap
# and a Debian mirror; takes most of an hour. Argument: the sources' directory, whose last commit is tested.
set -u
sources=$1
mirror=${DEBIAN_MIRROR-http://deb.debian.org/debian}
scratch=$(mktemp -d)
number=0

clean_up ()
{
  local system
  for system in "$scratch"/system-*
  do
    umount --lazy "$system/proc" "$system/dev" 2>/dev/null
  done
  rm -rf --one-file-system "$scratch"
}
trap clean_up EXIT

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null
then
  echo '1..0 # SKIP needs root and debootstrap'
  exit 0
fi

# new_system NAME: bare, with what every machine has: its resolver and its package sources' settings.
new_system ()
{
  system=$scratch/system-$1
  cp -a "$scratch/bare" "$system" || return
  mount --bind /proc "$system/proc" && mount --bind /dev "$system/dev"
}

# inside DIRECTORY COMMANDS: in the bare system, with an environment of its own.
inside ()
{
  chroot "$system" /usr/bin/env --ignore-environment HOME=/root LC_ALL=C \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -ec "cd '$1'; $2" </dev/null
}

# check NAME COMMAND…: one test; the end of what the command said is shown either way.
check ()
{
  local name=$1 result=ok
  shift
  number=$((number + 1))
  "$@" >"$scratch/said" 2>&1 || result='not ok'
  echo "$result $number - $name"
  tail -n 12 "$scratch/said" | sed 's/^/# /'
}

makes_a_bare_system ()
{
  debootstrap --variant=minbase bookworm "$scratch/bare" "$mirror" || return
  cp /etc/resolv.conf "$scratch/bare/etc/"
  git clone --quiet "$sources" "$scratch/bare/root/tally"
  mkdir "$scratch/bare/root/greeter"
  awk -v directory="$scratch/bare/root/greeter" -f "$sources/tests/install/readme.awk" "$sources/README.md"
}

installs ()
{
  inside /root/tally "$(cat "$system/root/greeter/install.sh")"
}

# greets HOW PREFIX: the greeter, built by the README's commands of that name.
greets ()
{
  inside /root/greeter "$(cat "$system/root/greeter/$1.sh")
    mkfifo said; $2/server >said & read -r line <said; rm said
    $2/client; kill -INT \$!; wait \$!"
}

demonstrates ()
{
  inside /root/tally script/demo
}

tests ()
{
  inside /root/tally script/test
}

echo 1..11
check makes_a_bare_system makes_a_bare_system
new_system first
check installs_first installs
check greets_by_meson greets meson build
check greets_by_gcc greets gcc .
check demonstrates_after_installation demonstrates
check tests_after_demonstration tests
new_system second
check tests_first tests
check demonstrates_after_tests demonstrates
check installs_last installs
check greets_by_meson_again greets meson build
check greets_by_gcc_again greets gcc .
