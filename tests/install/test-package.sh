#!/bin/bash
# What reaches users who do not clone: the archive that meson dist makes, Debian's packages made of it, and programs built
# on both, each on a bare Debian 12. Needs root, debootstrap and a Debian mirror; takes some minutes. Arguments: the
# sources' directory, whose last commit is tested, and their version.
set -u
sources=$1
version=$2
# shellcheck source=tests/install/bare-system.sh
. "$(dirname "${BASH_SOURCE[0]}")/bare-system.sh"
archive=tally-$version.tar.xz

makes_the_archive ()
{
  git clone --quiet "$sources" "$scratch/clone" &&
    meson setup -Dtests=false -Dexamples=false "$scratch/build" "$scratch/clone" &&
    meson dist -C "$scratch/build" --no-tests --formats xztar
}

agrees_on_the_version ()
{
  local packaged
  packaged=$(sed -n '1s/.*(\(.*\)-.*/\1/p' "$scratch/clone/debian/changelog")
  echo "meson: $version, debian/changelog: $packaged"
  [ "$packaged" = "$version" ]
}

# In a system that has what debian/control names, and no more.
builds_the_packages ()
{
  new_system builder && install_in_system build-essential &&
    cp "$scratch/build/meson-dist/$archive" "$system/root/tally_$version.orig.tar.xz" &&
    inside /root "tar -xf tally_$version.orig.tar.xz; cd tally-$version
      DEBIAN_FRONTEND=noninteractive apt-get -qq build-dep --no-install-recommends ./ && dpkg-buildpackage -us -uc"
}

pleases_lintian ()
{
  install_in_system lintian && inside /root "lintian --allow-root --fail-on error tally_*.changes"
}

# In a system that has not seen the sources.
installs_the_packages ()
{
  local builder=$system
  new_system user && cp "$builder"/root/*.deb "$system/root" && ls "$system/root" &&
    install_in_system cmake gcc libc6-dev make meson pkg-config python3-gi '/root/*.deb'
}

takes_them_for_a_greeter ()
{
  git -C "$scratch/clone" archive --prefix=sources/ HEAD README.md docs/packages.md tests/install | tar -xC "$system/root" &&
    inside /root sources/tests/install/use-installed.sh
}

imports_them_in_python ()
{
  inside / "python3 -c \"
import gi
gi.require_version ('Tally', '0')
from gi.repository import Tally
print (Tally.Pool.new ().props.max_open)\""
}

# The archive as a subproject, in the README's own project: in the builder's system, which has no Tally installed.
is_a_subproject ()
{
  system=$scratch/system-builder
  local project=$system/root/greeter
  mkdir -p "$project/subprojects/packagefiles" &&
    cp "$scratch/build/meson-dist/$archive" "$project/subprojects/packagefiles" &&
    awk -v directory="$project" -f "$sources/tests/install/readme.awk" "$sources/README.md" &&
    awk -v directory="$project/subprojects" -f "$sources/tests/install/readme.awk" "$sources/docs/packages.md" &&
    sed -i "s/HASH/$(sha256sum "$project/subprojects/packagefiles/$archive" | cut -d ' ' -f 1)/" \
      "$project/subprojects/tally.wrap" &&
    inside /root/greeter 'meson setup build && ninja -C build
      mkfifo said; build/server >said & read -r line <said
      build/client; kill -INT $!; wait $!'
}

echo 1..9
check makes_a_bare_system makes_a_bare_system
check makes_the_archive makes_the_archive
check agrees_on_the_version agrees_on_the_version
check builds_the_packages builds_the_packages
check pleases_lintian pleases_lintian
check installs_the_packages installs_the_packages
check takes_them_for_a_greeter takes_them_for_a_greeter
check imports_them_in_python imports_them_in_python
check is_a_subproject is_a_subproject
