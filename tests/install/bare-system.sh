# shellcheck shell=bash
# What the tests share that make bare Debian systems by debootstrap: sourced by them. Needs root, debootstrap and a Debian
# mirror, or BARE_SYSTEM, a directory that it filled before. Removes $scratch, with all systems in it, at exit.
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

# install_in_system PACKAGE…: from Debian, or files.
install_in_system ()
{
  inside / "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $*"
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
  if [ -n "${BARE_SYSTEM-}" ]
  then
    cp -a "$BARE_SYSTEM" "$scratch/bare"
  else
    debootstrap --variant=minbase bookworm "$scratch/bare" "$mirror"
  fi && cp /etc/resolv.conf "$scratch/bare/etc/"
}
